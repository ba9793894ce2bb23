"""Recordings, uploads and comments as both HTTP APIs answer them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from events.vault.asset import Colour as Colour
from events.vault.asset import Status as Status
from schemas.dto import Dto, PersonDto, Timestamp

Right = Literal["listen", "comment", "edit"]
AssetState = Literal["uploaded", "verified", "rejected", "analysed", "analysis_failed"]


class Rejection(Dto):
    code: str
    reason: str


class TagsDto(Dto):
    title: str | None = None
    artist: str | None = None
    album: str | None = None
    year: int | None = None
    genre: str | None = None
    track: int | None = None
    tempo_bpm: float | None = None
    key: str | None = None
    isrc: str | None = None
    album_artist: str | None = None
    disc: int | None = None
    composer: str | None = None
    label: str | None = None
    copyright: str | None = None
    comment: str | None = None
    energy: float | None = None
    danceability: float | None = None
    valence: float | None = None
    instruments: list[str] | None = None
    artists: list[str] | None = None
    genres: list[str] | None = None


class AudioDto(Dto):
    """`playable`: `…/audio?rendition=playable` is a format that browsers play, be it the original
    or a copy; also true where nobody looked."""

    duration_s: float
    sample_rate_hz: int
    channels: int
    codec: str
    bitrate_bps: int | None = None
    truncated: bool = False
    bit_depth: int | None = None
    encoder: str | None = None
    replay_gain_track_db: float | None = None
    replay_gain_album_db: float | None = None
    playable: bool = True


class TempoCandidateDto(Dto):
    bpm: float
    confidence: float


class KeyCandidateDto(Dto):
    key: str
    confidence: float


class GenreDto(Dto):
    name: str
    confidence: float


class InstrumentDto(Dto):
    """`share` of the recording in which it is heard."""

    name: str
    share: float
    confidence: float
    lead: bool = False


class DefectDto(Dto):
    code: str
    severity: str
    at_s: float | None = None


class AnalysisDto(Dto):
    """The summary of the newest finished run; `remeasuring` while a newer one is asked for."""

    id: str
    run: int = 1
    remeasuring: bool = False
    tempo_bpm: float | None = None
    tempo_candidates: list[TempoCandidateDto] = Field(default_factory=list)
    key: str | None = None
    key_confidence: float | None = None
    loudness_lufs: float | None = None
    true_peak_dbtp: float | None = None
    energy: float | None = None
    analyser: str
    analyser_version: int
    degraded: list[str] = Field(default_factory=list)
    key_candidates: list[KeyCandidateDto] = Field(default_factory=list)
    loudness_range_lu: float | None = None
    danceability: float | None = None
    valence: float | None = None
    genres: list[GenreDto] = Field(default_factory=list)
    instruments: list[InstrumentDto] = Field(default_factory=list)
    vocals: float | None = None
    speech: float | None = None
    moods: list[str] = Field(default_factory=list)
    quality_score: float | None = None
    defects: list[DefectDto] = Field(default_factory=list)
    appeal_score: float | None = None


class EffectiveDto(Dto):
    """The musician's override, else the tag, else the measurement; of tempo and key at last what
    the file's name says.
    """

    tempo_bpm: float | None = None
    key: str | None = None
    genre: str | None = None
    energy: float | None = None
    danceability: float | None = None
    valence: float | None = None
    instruments: list[str] = Field(default_factory=list)


class FromNameDto(Dto):
    """The file's name: what it says and no tag does."""

    title: str | None = None
    artist: str | None = None
    tempo_bpm: float | None = None
    key: str | None = None


class CoverDto(Dto):
    """The picture at `…/cover`, which browsers keep if they ask for `…/cover?v=` and the first 16
    characters of its hash. `chosen`: it takes the place of what the file carries.
    """

    sha256: str
    media_type: str
    chosen: bool = False


class MarksDto(Dto):
    """The workspace's own; a `rating` of 0 is not rated."""

    status: Status | None = None
    rating: int = 0
    colour: Colour | None = None


class OriginalDto(Dto):
    """The file as it was uploaded, at `…/audio?original=true`."""

    sha256: str
    size_bytes: int


class SharedDto(Dto):
    """`right` is what the asset was shared for, `owner` whose it is."""

    right: Right
    owner: PersonDto | None


class AssetDto(Dto):
    """`tags` is what is said now; `file_tags` what the file says, whoever said otherwise since.

    `from_name` is what the file's name says where the tags are silent.

    `cover_note` says why there is no cover although the file carries a picture. `path` is where the
    file lay in the folder that was uploaded. `trashed_until` says when what is in the trash is
    deleted, `chosen_song` which song the musician has put it into. `original` only where tags were
    written into a newer version of the file. `shared` only where it is somebody else's: then what
    the sound does not tell is left out, and so are `marks`.
    """

    id: str
    version: int
    state: AssetState
    rejection: Rejection | None = None
    analysis_error: Rejection | None = None
    filename: str
    path: str | None = None
    sha256: str
    size_bytes: int
    uploaded_at: Timestamp
    trashed_at: Timestamp | None = None
    trashed_until: Timestamp | None = None
    chosen_song: str | None = None
    has_cover: bool = False
    cover: CoverDto | None = None
    has_waveform: bool = False
    cover_note: str | None = None
    tags: TagsDto
    file_tags: TagsDto | None = None
    original: OriginalDto | None = None
    audio: AudioDto | None = None
    analysis: AnalysisDto | None = None
    effective: EffectiveDto
    from_name: FromNameDto | None = None
    marks: MarksDto | None = None
    shared: SharedDto | None = None


class GrantDto(PersonDto):
    """Somebody the asset is shared with."""

    right: Right


class SharedWith(Dto):
    """The person it is shared with now, and the right."""

    asset_id: str
    account_id: str
    right: Right


class VaultStats(Dto):
    """The contents of a workspace: how many assets per state, and all of them together."""

    assets: int
    by_state: dict[AssetState, int]
    duration_s: float
    size_bytes: int


class StorageUsage(Dto):
    """`uploading_bytes` were announced and are not whole yet; null limits nothing."""

    plan: str
    used_bytes: int
    uploading_bytes: int
    limit_bytes: int | None
    left_bytes: int | None


class DirectUpload(Dto):
    """Send the bytes to `url` with exactly these `headers`, then POST to `complete`."""

    id: str
    method: Literal["PUT"]
    url: str
    headers: dict[str, str]
    expires_in_s: int
    complete: str


class RewrittenFile(Dto):
    """`written` are the tags that the file says now, `left_out` those that its format cannot hold.

    Both are empty where the file said it all.
    """

    id: str
    version: int
    sha256: str
    written: list[str]
    left_out: list[str]


class UploadedAsset(Dto):
    """Answer to an upload: 202 for a new asset, 200 with `duplicate` for one already there, 200
    and the header `NoCulture-Restored` for one that was in the trash.
    """

    id: str
    state: AssetState
    duplicate: bool = False


class ChangedComment(Dto):
    id: str
    version: int


class CommentDto(Dto):
    """A comment on a moment, or on all up to `end_s`; `text` is null once its author was erased."""

    id: str
    asset_id: str
    author_id: str
    author: PersonDto
    version: int
    at_s: float
    end_s: float | None = None
    text: str | None
    added_at: Timestamp
    edited_at: Timestamp | None = None
    resolved_at: Timestamp | None = None
    resolved_by: str | None = None
