"""From a row of the vault to the resource of CONTRACT §2."""

from __future__ import annotations

from read_api.views import Row
from schemas.dto import PersonDto
from schemas.vault.dto import (
    AnalysisDto,
    AssetDto,
    AudioDto,
    CoverDto,
    EffectiveDto,
    FromNameDto,
    MarksDto,
    OriginalDto,
    Rejection,
    SharedDto,
    TagsDto,
)

_LISTS = (
    *("tempo_candidates", "degraded", "key_candidates", "genres", "instruments", "moods"),
    "defects",
)
_PUBLISHED_TAGS = (
    *("title", "artist", "artists", "album", "year", "genre", "genres", "track", "tempo_bpm"),
    *("key", "energy", "danceability", "valence", "instruments"),
)
_NUMBERS = tuple(
    AnalysisDto.model_fields.keys() - {"id", "run", "remeasuring", "tempo_bpm", "key", *_LISTS}
)


def asset_of(row: Row) -> AssetDto:
    return AssetDto(
        id=row["asset_id"],
        version=row["version"],
        state=row["state"],
        rejection=_problem(row["rejection_code"], row["rejection_reason"]),
        analysis_error=_problem(row["analysis_error_code"], row["analysis_error_reason"]),
        filename=row["filename"],
        path=row.get("path"),
        sha256=row["sha256"],
        size_bytes=row["size_bytes"],
        uploaded_at=row["uploaded_at"],
        trashed_at=row.get("trashed_at"),
        trashed_until=row.get("trashed_until"),
        chosen_song=row.get("chosen_song"),
        has_cover=row["cover_sha256"] is not None,
        cover=_cover(row),
        has_waveform=peaks_of(row) is not None,
        cover_note=_cover_note(row),
        tags=TagsDto(**{name: row.get(f"tag_{name}") for name in TagsDto.model_fields}),
        file_tags=_file_tags(row),
        original=_original(row),
        audio=_audio(row),
        analysis=_analysis(row),
        effective=EffectiveDto(
            tempo_bpm=row["effective_tempo_bpm"],
            key=row["effective_key"],
            genre=row.get("effective_genre", row["tag_genre"]),
            energy=row.get("effective_energy", row["energy"]),
            danceability=row.get("effective_danceability"),
            valence=row.get("effective_valence"),
            instruments=row.get("effective_instruments") or [],
        ),
        from_name=_from_name(row),
        marks=MarksDto(
            status=row.get("status"), rating=row.get("rating") or 0, colour=row.get("colour")
        ),
    )


def published(row: Row, owner: PersonDto | None) -> AssetDto:
    """The asset of another workspace, as whoever it is shared with sees it: what it is called, how
    it sounds, and all tags only for those who may change them; its marks are the owner's own.
    """
    right = row["right_to"]
    asset = asset_of(row)
    tags = asset.tags
    if right != "edit":
        tags = TagsDto(**{name: getattr(tags, name) for name in _PUBLISHED_TAGS})
    shared = SharedDto(right=right, owner=owner)
    hidden = dict.fromkeys(
        (
            *("path", "file_tags", "original", "cover_note"),
            *("rejection", "marks", "chosen_song"),
        )
    )
    return asset.model_copy(update={**hidden, "tags": tags, "shared": shared})


def _problem(code: str | None, reason: str | None) -> Rejection | None:
    return None if code is None else Rejection(code=code, reason=reason or "")


def _cover(row: Row) -> CoverDto | None:
    if row["cover_sha256"] is None:
        return None
    return CoverDto(
        sha256=row["cover_sha256"],
        media_type=row["cover_media_type"],
        chosen=row.get("artwork_sha256") is not None,
    )


def _cover_note(row: Row) -> str | None:
    pictures = row.get("pictures") or []
    return next((each["left_out"] for each in pictures if "left_out" in each), None)


def _file_tags(row: Row) -> TagsDto | None:
    said = row.get("file_tags")
    return None if said is None else TagsDto(**said)


def _from_name(row: Row) -> FromNameDto | None:
    read = {
        name: row.get(f"name_{name}")
        for name in FromNameDto.model_fields
        if row.get(f"tag_{name}") is None
    }
    return FromNameDto(**read) if any(value is not None for value in read.values()) else None


def _original(row: Row) -> OriginalDto | None:
    sha256 = row.get("original_sha256")
    if sha256 is None:
        return None
    return OriginalDto(sha256=sha256, size_bytes=row["original_size_bytes"])


def _audio(row: Row) -> AudioDto | None:
    if row["duration_s"] is None:
        return None
    # A view of an earlier version, read until the new one is built, has not all columns.
    decoded = {name: row.get(name) for name in AudioDto.model_fields if name != "playable"}
    has_rendition = row.get("rendition_sha256") is not None
    return AudioDto(**decoded, playable=has_rendition or row.get("playable") is not False)


def peaks_of(row: Row) -> str | None:
    """The blob that draws its waveform: the analysis's, else that of the first look."""
    return row["peaks_sha256"] or row.get("drawn_sha256")


def _analysis(row: Row) -> AnalysisDto | None:
    if row["peaks_sha256"] is None:
        return None
    run = row.get("analysis_run") or 1
    lists = {name: row.get(name) or [] for name in _LISTS}
    return AnalysisDto(
        id=row["analysis_id"],
        run=run,
        remeasuring=(row.get("analysis_asked") or run) > max(run, row.get("analysis_failed") or 0),
        tempo_bpm=row["measured_tempo_bpm"],
        key=row["measured_key"],
        **lists,
        **{name: row.get(name) for name in _NUMBERS},
    )
