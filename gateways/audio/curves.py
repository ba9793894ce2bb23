"""Loudness over time and the mean spectrum, as the page draws them."""

from __future__ import annotations

import numpy as np

from gateways.audio.defects.spectra import Spectra, third_octaves
from schemas.audio.report import Curve, Curves, Spectrum

_FLOOR_DB = -120.0


def curves(
    short_term_lufs: list[float | None],
    spectra: Spectra,
    voice: Curve | None = None,
    talk: Curve | None = None,
) -> Curves:
    return Curves(
        loudness=Curve(step_s=1.0, values=short_term_lufs),
        spectrum=spectrum(spectra),
        voice=voice,
        talk=talk,
    )


def spectrum(spectra: Spectra) -> Spectrum:
    """Empty for what is too short for one frame, and for silence."""
    centres, power, _ = third_octaves(spectra)
    if spectra.frames == 0 or not power.any():
        return Spectrum()
    levels = np.maximum(10 * np.log10(power / power.max() + 1e-20), _FLOOR_DB)
    return Spectrum(
        bands_hz=[round(float(hz), 1) for hz in centres],
        levels_db=[round(float(level), 1) for level in levels],
    )
