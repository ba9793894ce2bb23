"""One recording as its analysers hear it: decoded once, every rate they want made once."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from scipy.signal import resample_poly

from gateways.audio.texture import Texture, texture

SAMPLE_RATE_HZ = 44_100


class Sound:
    """`mono`: float32 samples (n,) at 44.1 kHz of what fits the window (ten minutes), no offset.

    The other rates are made at first use and shared; whoever is done with all of one lets it go
    with `forget`, for ten minutes at 44.1 kHz are 106 MB.
    """

    def __init__(self, mono: np.ndarray, *, whole_s: float | None = None) -> None:
        self.mono = mono
        self.duration_s = len(mono) / SAMPLE_RATE_HZ
        self.whole_s = self.duration_s if whole_s is None else whole_s

    @cached_property
    def at_22050(self) -> np.ndarray:
        return resample_poly(self.mono, 1, 2).astype(np.float32)

    @cached_property
    def at_16000(self) -> np.ndarray:
        return resample_poly(self.mono, 160, 441).astype(np.float32)

    @cached_property
    def texture(self) -> Texture:
        return texture(self.mono, SAMPLE_RATE_HZ)

    def forget(self, *names: str) -> None:
        """Names as in `forget("at_16000")`; one that was never made is no error."""
        for name in names:
            self.__dict__.pop(name, None)
