"""One pass over the sound: loudness, true peak and waveform of all of it, tempo and key of the
first ten minutes. Runs in the limited child only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from gateways.audio.analyser import SAMPLE_RATE_HZ, Analyser, TempoAndKey
from gateways.audio.decode import Blocks, Decoder, Refusal
from gateways.audio.facts import Analysis, Measurement, Refused, TempoCandidate
from gateways.audio.loudness import LoudnessMeter, TruePeakMeter
from gateways.audio.peaks import PeaksBuilder
from gateways.audio.texture import Texture, energy, texture

# A mono minute is 10.6 MB; with essentia's own copies ten minutes took 734 MB.
MUSIC_WINDOW_S = 600
MIN_TEMPO_S = 3.0
MIN_MUSIC_S = 1.0
SILENCE = 1e-4  # -80 dBFS
# Of 28 tracks of music none scored below .30 (essentia) or .18 (librosa), but ten seconds of a
# sine .35. Attacks tell them apart: over 1.1 a second in 52 tracks, none in a sine, pad or noise.
MIN_TEMPO_CONFIDENCE = 0.05
MIN_ONSET_RATE_HZ = 0.5


def analyse(
    file: BinaryIO, analyser: Analyser, degraded: tuple[str, ...] = ()
) -> Analysis | Refused:
    """Measure an open file that was accepted before; one that will not decode is refused."""
    try:
        decoder = Decoder(file)
        try:
            return _measure(decoder, analyser, degraded)
        finally:
            decoder.close()
    except Refusal as refusal:
        return refusal.refused


def _measure(decoder: Decoder, analyser: Analyser, degraded: tuple[str, ...]) -> Analysis:
    blocks = Blocks(decoder, SAMPLE_RATE_HZ)
    loudness = LoudnessMeter(SAMPLE_RATE_HZ, blocks.channels)
    true_peak = TruePeakMeter(blocks.channels)
    peaks = PeaksBuilder(SAMPLE_RATE_HZ, blocks.channels)
    window = _Window(MUSIC_WINDOW_S * SAMPLE_RATE_HZ)
    for block in _in_seconds(blocks):
        loudness.feed(block)
        true_peak.feed(block)
        peaks.feed(block)
        window.feed(_mono(block))
    if decoder.good_packets == 0:
        raise Refusal("corrupt", "The file is damaged: nothing in it can be played.")
    if decoder.channels > 2:
        degraded += (f"measured on a stereo downmix of {decoder.channels} channels",)
    if window.is_full:
        degraded += (f"tempo and key are of the first {MUSIC_WINDOW_S // 60} minutes",)
    lufs, dbtp = loudness.integrated_lufs(), true_peak.finish_dbtp()
    measurement = Measurement(
        loudness_lufs=_rounded(lufs, 2),
        true_peak_dbtp=_rounded(dbtp, 2),
        analyser=analyser.name,
        analyser_version=analyser.version,
        degraded=degraded,
        **(_musical(window.samples(), lufs, analyser) if lufs is not None else {}),
    )
    return Analysis(measurement=measurement, peaks=peaks.finish())


def _in_seconds(blocks: Blocks) -> Iterator[np.ndarray]:
    """Blocks of about one second: a frame holds 1,152 samples, too few for numpy to be quick."""
    held: list[np.ndarray] = []
    size = 0
    for block in blocks:
        held.append(block)
        size += len(block)
        if size >= SAMPLE_RATE_HZ:
            yield np.concatenate(held)
            held, size = [], 0
    if held:
        yield np.concatenate(held)


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
        return np.concatenate([np.empty(0, np.float32), *self._parts])


def _musical(mono: np.ndarray, lufs: float, analyser: Analyser) -> dict[str, object]:
    """Tempo, key and energy of sound that is there (it has a loudness)."""
    mono = mono - mono.mean()  # an offset alone is no sound, yet loud enough to look like it
    length_s = len(mono) / SAMPLE_RATE_HZ
    if length_s < MIN_MUSIC_S or float(np.abs(mono).max()) < SILENCE:
        return {}
    spectrum = texture(mono, SAMPLE_RATE_HZ)
    found = analyser.analyse(mono)
    has_tempo = (
        found.tempo_confidence >= MIN_TEMPO_CONFIDENCE
        and spectrum.onset_rate_hz >= MIN_ONSET_RATE_HZ
        and length_s >= MIN_TEMPO_S
    )
    candidates = _candidates(found, spectrum) if has_tempo else ()
    return {
        "tempo_bpm": candidates[0].bpm if candidates else None,
        "tempo_candidates": candidates,
        "key": found.key,
        "key_confidence": _rounded(found.key_confidence, 3) if found.key else None,
        "energy": round(energy(lufs, spectrum), 3),
    }


def _candidates(found: TempoAndKey, spectrum: Texture) -> tuple[TempoCandidate, ...]:
    """The chosen tempo first, then its half and double: each as sure as its pulse is strong
    beside the chosen one's, and never surer."""
    chosen = found.tempo_bpm or 0.0
    pulse = spectrum.pulse(chosen)
    tempos = (chosen, chosen / 2, chosen * 2)
    shares = (1.0, *(min(1.0, spectrum.pulse(bpm) / pulse) if pulse else 0.0 for bpm in tempos[1:]))
    candidates = [
        TempoCandidate(bpm=round(bpm, 2), confidence=round(found.tempo_confidence * share, 3))
        for bpm, share in zip(tempos, shares, strict=True)
    ]
    return (candidates[0], *sorted(candidates[1:], key=lambda one: -one.confidence))


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
