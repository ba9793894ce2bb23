"""Values that events about recordings share. No behaviour."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

PITCHES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
MUSICAL_KEYS = tuple(f"{pitch} {mode}" for pitch in PITCHES for mode in ("major", "minor"))

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
MusicalKey = Annotated[str, StringConstraints(pattern=r"^([ACDFG]#?|[BE]) (major|minor)$")]
TagText = Annotated[str, StringConstraints(max_length=500)]


class Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Blob(Value):
    """Bulk bytes in the object store under `<workspace>/<sha256>`."""

    sha256: Sha256
    size_bytes: int
    media_type: str


class Tags(Value):
    """What the file or the musician says of a recording; None where nothing is said."""

    title: TagText | None = None
    artist: TagText | None = None
    album: TagText | None = None
    year: Annotated[int, Field(ge=1000, le=9999)] | None = None
    genre: TagText | None = None
    track: Annotated[int, Field(ge=0, le=9999)] | None = None
    tempo_bpm: Annotated[float, Field(gt=0, le=1000)] | None = None
    key: MusicalKey | None = None
    isrc: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}[A-Z0-9]{3}[0-9]{7}$")] | None = None


class AudioFacts(Value):
    """What decoding the whole file found."""

    duration_s: float
    sample_rate_hz: int
    channels: int
    codec: str
    bitrate_bps: int | None
    truncated: bool = False


class TempoCandidate(Value):
    bpm: float
    confidence: float


class Measurement(Value):
    """What an analyser measured; None where it could not tell (silence has no tempo)."""

    tempo_bpm: float | None
    tempo_candidates: tuple[TempoCandidate, ...]
    key: MusicalKey | None
    key_confidence: float | None
    loudness_lufs: float | None
    true_peak_dbtp: float | None
    energy: float | None
    analyser: str
    analyser_version: int
    degraded: tuple[str, ...] = ()
