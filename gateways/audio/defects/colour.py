"""Rules about the spectrum: sample rate, bandwidth, hum and noise under quiet passages."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gateways.audio.defects.finding import finding
from gateways.audio.defects.heard import Measured
from gateways.audio.defects.spectra import FRAME, Spectra, bandwidth_edge_hz
from schemas.audio.report import Finding

LEAST_RATE_HZ = 44_100
_USUAL_RATES_HZ = (44_100, 48_000, 88_200, 96_000, 176_400, 192_000)
EDGE_LIMIT_HZ = 17_000
_HIGH_RATE_HZ = 80_000
_HIGH_EDGE_LIMIT_HZ = 25_000
# Hum and noise are claimed only where the music leaves room: over 20 dB under its loudness.
_QUIET_BELOW_DB = 20.0
_LEAST_QUIET_S = 2
HUM_OVER_DB = 15.0
_HUM_LEVEL_DB = -85.0
NOISE_LIMIT_DB = -62.0
_NOISE_FLATNESS = 0.35
_NOISE_BAND_HZ = (1000, 10_000)


def sample_rate(heard: Measured) -> Iterator[Finding]:
    rate = heard.rate_hz
    if rate in _USUAL_RATES_HZ:
        return
    low = rate < LEAST_RATE_HZ
    yield finding(
        "sample-rate",
        f"The sample rate is {rate:,} Hz",
        "Export from the project at 44,100 or 48,000 Hz: stores ask for it"
        + (", and above half of this rate nothing can be heard." if low else "."),
        "the file's header",
        value=rate,
        unit="Hz",
        limit=LEAST_RATE_HZ,
        deduction=(10.0 if rate < 32_000 else 5.0) if low else 1.0,
    )


def bandwidth(heard: Measured) -> Iterator[Finding]:
    """A cut edge far below half of the sample rate tells of lossy coding or of a lower rate."""
    edge = bandwidth_edge_hz(heard.spectra)
    if edge is None or heard.rate_hz < LEAST_RATE_HZ:
        return
    if heard.rate_hz > _HIGH_RATE_HZ and EDGE_LIMIT_HZ <= edge <= _HIGH_EDGE_LIMIT_HZ:
        yield finding(
            "upsampled",
            f"There is no sound above {edge / 1000:.1f} kHz although {heard.rate_hz:,} Hz could"
            " hold more",
            "It was made at 44.1 or 48 kHz: export it at that rate, as a larger file has no more"
            " sound.",
            "edge of the mean spectrum",
            value=edge,
            unit="Hz",
            limit=_HIGH_EDGE_LIMIT_HZ,
            deduction=2.0,
        )
    elif edge < EDGE_LIMIT_HZ:
        yield finding(
            "bandwidth",
            f"Everything above {edge / 1000:.1f} kHz is cut off",
            "Upload the export of the project itself: this one went through a lossy format at a "
            "low bitrate, or a lower sample rate, and the lost highs do not come back.",
            "edge of the mean spectrum",
            value=edge,
            unit="Hz",
            limit=EDGE_LIMIT_HZ,
            deduction=(8.0 if edge >= 14_000 else 12.0) if heard.lossless else 4.0,
        )


def under_the_music(heard: Measured) -> Iterator[Finding]:
    """Dense music hides what lies under it (40 dB of noise moved no measure there): only in quiet
    passages is anything claimed."""
    spectra = heard.spectra
    if heard.lufs is None or len(spectra.level_db) == 0:
        return
    quiet = spectra.level_db < heard.lufs - _QUIET_BELOW_DB
    if quiet.sum() < _LEAST_QUIET_S:
        return
    hum = [*_hum(spectra, quiet)]
    yield from hum or _noise(spectra, quiet)


def _hum(spectra: Spectra, quiet: np.ndarray) -> Iterator[Finding]:
    low = spectra.low[quiet]
    for mains_hz in (50, 60):
        harmonics = [mains_hz * n for n in (1, 2, 3, 4, 5) if mains_hz * n < low.shape[1] - 12]
        standing = [hz for hz in harmonics if _stands_out(low, hz)]
        if len(standing) < 2:
            continue
        level_db = 10 * np.log10(sum(_line(low, hz).mean() for hz in standing))
        if level_db < _HUM_LEVEL_DB:
            continue
        yield finding(
            "hum",
            f"Mains hum at {mains_hz} Hz in quiet passages",
            f"Find the ground loop or cable that brings it in; in the file a notch at "
            f"{', '.join(map(str, standing))} Hz takes it out.",
            "lines of the mains frequency and its multiples, one second a spectrum, quiet seconds",
            value=level_db,
            unit="dBFS",
            limit=_HUM_LEVEL_DB,
            deduction=4.0 if level_db < -60 else 9.0,
        )
        return


def _line(low: np.ndarray, hz: int) -> np.ndarray:
    return np.asarray(low[:, hz - 1 : hz + 2].sum(axis=1) / 1.5)  # Hann spreads a line over three


def _stands_out(low: np.ndarray, hz: int) -> bool:
    """A peak exactly there in four of five quiet seconds: a bass note wanders, mains do not."""
    beside = np.concatenate((low[:, hz - 11 : hz - 3], low[:, hz + 4 : hz + 12]), axis=1)
    over = low[:, hz] > np.median(beside, axis=1) * 10 ** (HUM_OVER_DB / 10)
    centred = (low[:, hz] >= 2 * low[:, hz - 1]) & (low[:, hz] >= 2 * low[:, hz + 1])
    return float((over & centred).mean()) >= 0.8


def _noise(spectra: Spectra, quiet: np.ndarray) -> Iterator[Finding]:
    mean = spectra.high[quiet].mean(axis=0)
    hz = np.arange(len(mean)) * spectra.rate_hz / FRAME
    band = mean[(hz >= _NOISE_BAND_HZ[0]) & (hz <= _NOISE_BAND_HZ[1])] + 1e-20
    if len(band) < 50:
        return
    # Averaged into ten wide bins, so that one second's chance does not count as unevenness.
    wide = band[: len(band) // 50 * 50].reshape(50, -1).mean(axis=1)
    flatness = float(np.exp(np.log(wide).mean()) / wide.mean())
    fine = float(np.exp(np.log(band).mean()) / band.mean())
    level_db = float(np.median(spectra.level_db[quiet]))
    if min(flatness, fine) < _NOISE_FLATNESS or level_db < NOISE_LIMIT_DB:
        return
    yield finding(
        "noise",
        f"A noise floor of {level_db:.0f} dBFS in quiet passages",
        "Gate or fade the quiet tracks, or record with more level: the hiss shows where the music "
        "rests.",
        "level of quiet seconds whose spectrum from 1 to 10 kHz is flat",
        value=level_db,
        unit="dBFS",
        limit=NOISE_LIMIT_DB,
        deduction=5.0,
    )
