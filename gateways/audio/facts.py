"""The audio gateway's answers about a file. Everything is frozen, JSON-able and bounded.

The child that fills these models has read hostile bytes, so the bounds are checked again in the
parent: a model that validates is safe to store and to show as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from gateways.audio.keys import KEY_NAMES
from schemas.audio.report import Report

MAX_TEXT_LENGTH = 500
MAX_COMMENT_LENGTH = 2000
MAX_NAMES = 20
MAX_COVER_BYTES = 2 * 1024 * 1024
MAX_THUMBNAIL_BYTES = 256 * 1024
MAX_PICTURES = 12
# Ten minutes with beats, chords and lanes are 150 KB, four hours of loudness 90 KB more.
MAX_REPORT_BYTES = 4 * 1024 * 1024
MAX_PEAKS_BYTES = 32 * 1024 * 1024

# C0 and C1 controls, and the bidirectional overrides that make a title lie about its file name.
_UNSAFE_CHARACTERS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]+"
)


def clean_text(value: object, max_length: int = MAX_TEXT_LENGTH) -> str | None:
    """One line of printable text of at most 500 characters, or None if nothing is left."""
    if value is None:
        return None
    text = " ".join(_UNSAFE_CHARACTERS.sub(" ", str(value)).split())
    return text[:max_length].rstrip() or None


def joined(names: Iterable[str]) -> str | None:
    """Several names as they are shown, or None without any."""
    return clean_text(", ".join(names))


def _clean_comment(value: object) -> str | None:
    return clean_text(value, MAX_COMMENT_LENGTH)


def _printable(value: str) -> str:
    if _UNSAFE_CHARACTERS.search(value):
        raise ValueError("a word has no control characters")
    return value


def _known_key(value: str | None) -> str | None:
    if value is not None and value not in KEY_NAMES:
        raise ValueError("a key is one of 24 names, sharps only, such as 'A# minor'")
    return value


Text = Annotated[str | None, BeforeValidator(lambda value: clean_text(value))]
Comment = Annotated[str | None, BeforeValidator(_clean_comment)]
Name = Annotated[str, Field(min_length=1, max_length=MAX_TEXT_LENGTH), AfterValidator(_printable)]
Names = Annotated[tuple[Name, ...] | None, Field(min_length=2, max_length=MAX_NAMES)]
Key = Annotated[str | None, BeforeValidator(_known_key)]
Share = Annotated[float, Field(ge=0, le=1)]
Word = Annotated[str, Field(max_length=100), AfterValidator(_printable)]
_BASE64 = r"^[A-Za-z0-9+/]*={0,2}$"


class _Fact(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        ser_json_bytes="base64",
        val_json_bytes="base64",
    )


class FileTags(_Fact):
    """The file's own tags; None where it says nothing that makes sense.

    `artists` and `genres` hold each value where the file says several; `artist` and `genre` hold
    all of them to be shown.
    """

    title: Text = None
    artist: Text = None
    album: Text = None
    year: int | None = Field(default=None, ge=1000, le=2999)
    genre: Text = None
    track: int | None = Field(default=None, ge=1, le=9999)
    tempo_bpm: float | None = Field(default=None, ge=20, le=400)
    key: Key = None
    isrc: str | None = Field(default=None, pattern=r"^[A-Z]{2}[A-Z0-9]{3}[0-9]{7}$")
    album_artist: Text = None
    disc: int | None = Field(default=None, ge=1, le=9999)
    composer: Text = None
    label: Text = None
    copyright: Text = None
    comment: Comment = None
    artists: Names = None
    genres: Names = None


class SaidOfSound(_Fact):
    """The file's own words on its making; `bit_depth` only where samples are kept as they are."""

    bit_depth: int | None = Field(default=None, ge=1, le=64)
    encoder: Text = None
    replay_gain_track_db: float | None = Field(default=None, ge=-64, le=64)
    replay_gain_album_db: float | None = Field(default=None, ge=-64, le=64)


class AudioFacts(SaidOfSound):
    """Facts of the decoded sound. `duration_s` counts decoded samples, never the header's claim;
    `truncated` says that the header claims over a second more than there is (FLAC: 20 ms)."""

    duration_s: float = Field(gt=0)
    sample_rate_hz: int = Field(gt=0)
    channels: int = Field(gt=0)
    codec: Text
    bitrate_bps: int | None = Field(default=None, ge=0)
    truncated: bool = False


class Cover(_Fact):
    """An embedded picture, its media type told by its own first bytes."""

    media_type: Literal["image/jpeg", "image/png", "image/webp"]
    data: bytes = Field(max_length=MAX_COVER_BYTES)


class Artwork(_Fact):
    """A picture made anew as JPEGs: the larger one of `width` by `height`, and a small one."""

    data: bytes = Field(max_length=MAX_COVER_BYTES)
    small: bytes = Field(max_length=MAX_THUMBNAIL_BYTES)
    width: int = Field(ge=1, le=2000)
    height: int = Field(ge=1, le=2000)


class EmbeddedPicture(Cover):
    """One picture of the file; `kind` as ID3 names it: front cover, artist, …"""

    kind: str = Field(max_length=40)


RefusalCode = Literal[
    "empty-file",
    "unfit-picture",
    "not-audio",
    "no-audio-stream",
    "unsupported-codec",
    "corrupt",
    "too-short",
    "too-long",
    "too-many-channels",
    "limits-exceeded",
    "tags-not-writable",
]


class Accepted(_Fact):
    """The file decodes to sound; `playable` says that browsers play it as it is.

    `cover_note` says why there is no cover although the file carries a picture.
    """

    verdict: Literal["accepted"] = "accepted"
    audio: AudioFacts
    playable: bool
    tags: FileTags = FileTags()
    cover: Cover | None = None
    cover_note: Annotated[str, Field(max_length=300), AfterValidator(_printable)] | None = None
    pictures: tuple[EmbeddedPicture, ...] = Field(default=(), max_length=MAX_PICTURES)


class Refused(_Fact):
    """The file is not taken; `reason` is a sentence for the musician."""

    verdict: Literal["refused"] = "refused"
    code: RefusalCode
    reason: str = Field(min_length=1, max_length=300)


Probe = Annotated[Accepted | Refused, Field(discriminator="verdict")]


class Rendition(_Fact):
    """Describes the copy that was streamed out: one that browsers play."""

    media_type: Literal["audio/mpeg"]
    sample_rate_hz: Literal[44_100, 48_000]
    channels: Literal[1, 2]
    bitrate_bps: int = Field(gt=0)


class Rewritten(_Fact):
    """Describes the file that was streamed out with other tags; `left_out` names what it cannot
    hold."""

    tags: FileTags
    left_out: tuple[str, ...] = ()


class TempoCandidate(_Fact):
    bpm: float = Field(gt=0, le=1000)
    confidence: Share


class KeyCandidate(_Fact):
    key: Annotated[str, AfterValidator(_known_key)]
    confidence: Share


class GenreGuess(_Fact):
    name: Word
    confidence: Share


class InstrumentHeard(_Fact):
    name: Word
    share: Share
    confidence: Share
    lead: bool = False


class Defect(_Fact):
    code: Word
    severity: Literal["info", "minor", "major", "severe"]
    at_s: float | None = Field(default=None, ge=0)


class Vector(_Fact):
    model: Word
    data: str = Field(max_length=4096, pattern=_BASE64)


class Fingerprint(_Fact):
    algorithm: Word
    data: str = Field(max_length=16384, pattern=_BASE64)


class Measurement(_Fact):
    """The measured figures. None is "not measurable here" (silence, too short), never a guess."""

    tempo_bpm: float | None = Field(default=None, gt=0, le=1000)
    tempo_candidates: tuple[TempoCandidate, ...] = Field(default=(), max_length=8)
    key: Key = None
    key_confidence: Share | None = None
    key_candidates: tuple[KeyCandidate, ...] = Field(default=(), max_length=24)
    loudness_lufs: float | None = None
    loudness_range_lu: float | None = Field(default=None, ge=0)
    true_peak_dbtp: float | None = None
    energy: Share | None = None
    danceability: Share | None = None
    valence: Share | None = None
    genres: tuple[GenreGuess, ...] = Field(default=(), max_length=10)
    instruments: tuple[InstrumentHeard, ...] = Field(default=(), max_length=40)
    vocals: Share | None = None
    speech: Share | None = None
    moods: tuple[Word, ...] = Field(default=(), max_length=20)
    quality_score: float | None = Field(default=None, ge=0, le=100)
    defects: tuple[Defect, ...] = Field(default=(), max_length=40)
    appeal_score: float | None = Field(default=None, ge=0, le=100)
    sound: Vector | None = None
    words: Vector | None = None
    fingerprint: Fingerprint | None = None
    analyser: str = Field(min_length=1, max_length=40)
    analyser_version: int = Field(ge=1)
    degraded: tuple[Annotated[str, Field(max_length=300)], ...] = Field(default=(), max_length=10)


def _a_report(data: bytes) -> bytes:
    Report.model_validate_json(data)
    return data


class Drawn(_Fact):
    """Waveform peaks, in the container of `peaks.py`."""

    peaks: bytes = Field(max_length=MAX_PEAKS_BYTES)


class Analysis(_Fact):
    """A measurement, the waveform peaks (container of `peaks.py`) and the report (JSON of
    `schemas.audio.report.Report`, checked); the last two are stored as blobs."""

    measurement: Measurement
    peaks: bytes = Field(max_length=MAX_PEAKS_BYTES)
    report: Annotated[bytes, AfterValidator(_a_report)] = Field(max_length=MAX_REPORT_BYTES)
