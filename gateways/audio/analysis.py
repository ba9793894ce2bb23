"""One pass over the sound feeds all meters and keeps the first ten minutes, which the analysers
then hear; both become report and measurement. Runs in the limited child only."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from gateways.audio.assemble import make_measurement, make_report
from gateways.audio.decode import Blocks, Decoder, Refusal
from gateways.audio.defects.clipping import ClippingMeter
from gateways.audio.defects.gaps import GapMeter
from gateways.audio.defects.heard import Measured
from gateways.audio.defects.spectra import SpectrumMeter
from gateways.audio.defects.steps import StepMeter
from gateways.audio.ear import Ear, Music, Timings
from gateways.audio.facts import Analysis, Refused
from gateways.audio.loudness import LoudnessMeter, TruePeakMeter
from gateways.audio.peaks import PeaksBuilder
from gateways.audio.promised import missing_s
from gateways.audio.seconds import Converter, whole_seconds
from gateways.audio.sound import SAMPLE_RATE_HZ, Sound
from gateways.audio.surround import weights_of

# A mono minute is 10.6 MB, and the copies at other rates that are kept beside it 9 MB.
MUSIC_WINDOW_S = 600
MIN_MUSIC_S = 1.0
SILENCE = 1e-4  # -80 dBFS
_LOSSLESS = ("flac", "alac")


def analyse(file: BinaryIO, ear: Ear) -> Analysis | Refused:
    """Measure an open file that was accepted before; one that will not decode is refused."""
    try:
        decoder = Decoder(file)
        try:
            return _analyse(decoder, file, ear)
        finally:
            decoder.close()
    except Refusal as refusal:
        return refusal.refused


def _analyse(decoder: Decoder, file: BinaryIO, ear: Ear) -> Analysis:
    timings = Timings()
    with timings.of("decode and meters"):
        meters = meters_of(decoder)
        missing = missing_s(decoder, file)
    if decoder.good_packets == 0:
        raise Refusal("corrupt", "The file is damaged: nothing in it can be played.")
    measured = meters.measured(decoder, missing)
    music = _music(meters.window, measured, ear, timings)
    degraded = music.degraded if music else ()
    if decoder.channels > 2:
        degraded += (
            f"loudness and true peak of all {decoder.channels} channels, the rest on a stereo "
            "downmix",
        )
    if meters.window.is_full:
        degraded += (f"tempo, key and all that is heard: first {MUSIC_WINDOW_S // 60} minutes",)
    report = make_report(
        measured,
        meters.loudness.range_lu(),
        meters.loudness.short_term_lufs(),
        music,
        degraded,
        timings,
    )
    return Analysis(
        measurement=make_measurement(report, music),
        peaks=meters.peaks.finish(),
        report=report.model_dump_json().encode(),
    )


def meters_of(decoder: Decoder) -> Meters:
    """Decode it all once. Raises Refusal."""
    surround = _Surround(decoder) if decoder.channels > 2 else None
    meters = Meters(decoder.sample_rate_hz, min(decoder.channels, 2), surround)
    blocks = Blocks(decoder, decoder.sample_rate_hz, surround.feed if surround else None)
    for second in whole_seconds(blocks, meters.rate_hz):
        meters.feed(second)
    meters.finish()
    return meters


def _music(window: _Window, measured: Measured, ear: Ear, timings: Timings) -> Music | None:
    """None for silence and for what is under a second."""
    if measured.lufs is None:
        return None
    mono = window.samples()
    mono -= mono.mean()  # an offset alone is no sound, yet loud enough to look like it
    if len(mono) < MIN_MUSIC_S * SAMPLE_RATE_HZ or float(np.abs(mono).max()) < SILENCE:
        return None
    return ear.listen(Sound(mono, whole_s=measured.duration_s), timings)


class Meters:
    """Loudness, peaks and the window at 44.1 kHz; what looks at samples at the file's own rate.

    The level of more than two channels is that of `surround`, never of their downmix.
    """

    def __init__(self, rate_hz: int, channels: int, surround: _Surround | None = None) -> None:
        self.rate_hz = rate_hz
        self._surround = surround
        self.loudness = surround.loudness if surround else LoudnessMeter(SAMPLE_RATE_HZ, channels)
        self.true_peak = surround.true_peak if surround else TruePeakMeter(SAMPLE_RATE_HZ, channels)
        self.peaks = PeaksBuilder(SAMPLE_RATE_HZ, channels)
        self.window = _Window(MUSIC_WINDOW_S * SAMPLE_RATE_HZ)
        self._steps = StepMeter(rate_hz, channels)
        self._clipping = ClippingMeter(rate_hz, channels)
        self._gaps = GapMeter(rate_hz, channels)
        self._spectra = SpectrumMeter(rate_hz)
        self._converter = Converter(rate_hz, channels)
        self._samples = 0

    def feed(self, second: np.ndarray) -> None:
        self._samples += len(second)
        for meter in (self._steps, self._clipping, self._gaps, self._spectra):
            meter.feed(second)
        for block in self._converter.feed(second):
            self._feed_converted(block)

    def finish(self) -> None:
        for block in self._converter.finish():
            self._feed_converted(block)
        if self._surround:
            self._surround.finish()

    def _feed_converted(self, block: np.ndarray) -> None:
        if not self._surround:
            self.loudness.feed(block)
            self.true_peak.feed(block)
        self.peaks.feed(block)
        self.window.feed(_mono(block))

    def measured(self, decoder: Decoder, missing: float = 0.0) -> Measured:
        return Measured(
            duration_s=self._samples / self.rate_hz,
            rate_hz=self.rate_hz,
            channels=decoder.channels,
            lossless=decoder.codec.startswith("pcm_") or decoder.codec in _LOSSLESS,
            lufs=self.loudness.integrated_lufs(),
            true_peak_dbtp=self.true_peak.finish_dbtp(),
            over_limit=self.true_peak.spans_over_limit(),
            steps=self._steps.finish(),
            clipping=self._clipping.finish(),
            gaps=self._gaps.finish(),
            spectra=self._spectra.finish(),
            missing_s=missing,
            packets=decoder.good_packets + decoder.bad_packets,
            damaged_packets=decoder.bad_packets,
        )


class _Surround:
    """Loudness and true peak of more than two channels, at the file's own rate."""

    def __init__(self, decoder: Decoder) -> None:
        rate_hz, channels = decoder.sample_rate_hz, decoder.channels
        self.loudness = LoudnessMeter(rate_hz, channels, weights_of(decoder.places))
        self.true_peak = TruePeakMeter(rate_hz, channels)
        self._rate_hz = rate_hz
        self._held: list[np.ndarray] = []
        self._size = 0

    def feed(self, block: np.ndarray) -> None:
        self._held.append(block)
        self._size += len(block)
        if self._size >= self._rate_hz:  # a frame holds too few samples for numpy to be quick
            self.finish()

    def finish(self) -> None:
        if self._held:
            joined = np.concatenate(self._held)
            self.loudness.feed(joined)
            self.true_peak.feed(joined)
            self._held, self._size = [], 0


def _mono(block: np.ndarray) -> np.ndarray:
    """The mix of both sides, or the left one where they cancel out (by over 20 dB)."""
    mix, left = block.mean(axis=1), block[:, 0]
    return left if float(mix @ mix) < 0.01 * float(left @ left) else mix


class _Window:
    """The first `capacity` samples of the mono mix."""

    def __init__(self, capacity: int) -> None:
        self._parts: list[np.ndarray] = []
        self._left = capacity

    @property
    def is_full(self) -> bool:
        return self._left == 0

    def feed(self, mono: np.ndarray) -> None:
        if self._left:
            self._parts.append(mono[: self._left])
            self._left -= len(self._parts[-1])

    def samples(self) -> np.ndarray:
        joined = np.concatenate([np.empty(0, np.float32), *self._parts])
        self._parts = []
        return joined
