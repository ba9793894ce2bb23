"""All that the meters saw of one file, as the rules look at it."""

from __future__ import annotations

from dataclasses import dataclass

from gateways.audio.defects.clipping import Clipping
from gateways.audio.defects.gaps import Gaps
from gateways.audio.defects.spectra import Spectra
from gateways.audio.defects.steps import Steps
from schemas.audio.report import Span


@dataclass(frozen=True)
class Measured:
    """All that the rules look at. `lossless` says that the codec keeps samples as they are. The
    loudness of silence is None. `missing_s` counts what the header promises and the file lacks."""

    duration_s: float
    rate_hz: int
    channels: int
    lossless: bool
    lufs: float | None
    true_peak_dbtp: float | None
    over_limit: list[Span]
    steps: Steps
    clipping: Clipping
    gaps: Gaps
    spectra: Spectra
    missing_s: float = 0.0
    packets: int = 0
    damaged_packets: int = 0

    @property
    def is_downmix(self) -> bool:
        """Tells a file of more than two channels: our sum of them was heard, not the file."""
        return self.channels > 2

    @property
    def peak_to_loudness_db(self) -> float | None:
        if self.lufs is None or self.true_peak_dbtp is None:
            return None
        return self.true_peak_dbtp - self.lufs
