"""Values that events about recordings share. No behaviour."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

PITCHES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
MUSICAL_KEYS = tuple(f"{pitch} {mode}" for pitch in PITCHES for mode in ("major", "minor"))

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
MusicalKey = Annotated[str, StringConstraints(pattern=r"^([ACDFG]#?|[BE]) (major|minor)$")]
TagText = Annotated[str, StringConstraints(max_length=500)]
Comment = Annotated[str, StringConstraints(max_length=2000)]
Share = Annotated[float, Field(ge=0, le=1)]
MAX_INSTRUMENTS = 20
MAX_NAMES = 20
Names = Annotated[tuple[TagText, ...], Field(max_length=MAX_NAMES)]


class Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Blob(Value):
    """Bulk bytes in the object store under `<workspace>/<sha256>`."""

    sha256: Sha256
    size_bytes: int
    media_type: str


class Tags(Value):
    """Tags that the file or the musician gives a recording; None where nothing is said.

    `artists` and `genres` hold each value where there are several; `artist` and `genre` then hold
    all of them, joined to be shown. No file says anything of `energy`, `danceability`, `valence`
    and `instruments`: there the musician overrides what was measured.
    """

    title: TagText | None = None
    artist: TagText | None = None
    album: TagText | None = None
    year: Annotated[int, Field(ge=1000, le=9999)] | None = None
    genre: TagText | None = None
    track: Annotated[int, Field(ge=0, le=9999)] | None = None
    tempo_bpm: Annotated[float, Field(gt=0, le=1000)] | None = None
    key: MusicalKey | None = None
    isrc: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}[A-Z0-9]{3}[0-9]{7}$")] | None = None
    album_artist: TagText | None = None
    disc: Annotated[int, Field(ge=0, le=9999)] | None = None
    composer: TagText | None = None
    label: TagText | None = None
    copyright: TagText | None = None
    comment: Comment | None = None
    energy: Share | None = None
    danceability: Share | None = None
    valence: Share | None = None
    instruments: Annotated[tuple[TagText, ...], Field(max_length=MAX_INSTRUMENTS)] | None = None
    artists: Names | None = None
    genres: Names | None = None


class Picture(Value):
    """One picture that the file carries; `kind` as ID3 names it: front cover, artist, …"""

    kind: TagText
    image: Blob


class AudioFacts(Value):
    """Facts found by decoding the whole file."""

    duration_s: float
    sample_rate_hz: int
    channels: int
    codec: str
    bitrate_bps: int | None
    truncated: bool = False
    bit_depth: int | None = None
    encoder: TagText | None = None
    replay_gain_track_db: float | None = None
    replay_gain_album_db: float | None = None


class TempoCandidate(Value):
    bpm: float
    confidence: float


class KeyCandidate(Value):
    key: MusicalKey
    confidence: float


class GenreGuess(Value):
    name: TagText
    confidence: float


class InstrumentHeard(Value):
    """`share` of the recording in which it is heard; `lead`: it stands out most."""

    name: TagText
    share: float
    confidence: float
    lead: bool = False


class Defect(Value):
    """A technical finding; what it is and how to mend it is in the report under the same code."""

    code: TagText
    severity: Literal["info", "minor", "major", "severe"]
    at_s: float | None = None


class Vector(Value):
    """A point in the space of `model`: int8 components as base64, to be compared by cosine."""

    model: TagText
    data: Annotated[str, StringConstraints(max_length=4096)]


class Fingerprint(Value):
    """Words that stay the same in other formats and levels: uint32, little-endian, as base64."""

    algorithm: TagText
    data: Annotated[str, StringConstraints(max_length=16384)]


class Measurement(Value):
    """Values that an analyser measured; None where it could not tell (silence has no tempo).

    The long form, with beats, chords, curves and the method behind each number, is the report.
    """

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
    key_candidates: tuple[KeyCandidate, ...] = ()
    loudness_range_lu: float | None = None
    danceability: float | None = None
    valence: float | None = None
    genres: tuple[GenreGuess, ...] = ()
    instruments: tuple[InstrumentHeard, ...] = ()
    vocals: float | None = None
    speech: float | None = None
    moods: tuple[str, ...] = ()
    quality_score: float | None = None
    defects: tuple[Defect, ...] = ()
    appeal_score: float | None = None
    sound: Vector | None = None
    words: Vector | None = None
    fingerprint: Fingerprint | None = None
