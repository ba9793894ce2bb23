"""From a row of the vault to the resource of CONTRACT §2."""

from __future__ import annotations

from typing import Any

from schemas.dto import (
    AnalysisDto,
    AssetDto,
    AudioDto,
    EffectiveDto,
    Rejection,
    TagsDto,
    TempoCandidateDto,
)

Row = dict[str, Any]


def asset_of(row: Row) -> AssetDto:
    return AssetDto(
        id=row["asset_id"],
        version=row["version"],
        state=row["state"],
        rejection=_problem(row["rejection_code"], row["rejection_reason"]),
        analysis_error=_problem(row["analysis_error_code"], row["analysis_error_reason"]),
        filename=row["filename"],
        sha256=row["sha256"],
        size_bytes=row["size_bytes"],
        uploaded_at=row["uploaded_at"],
        has_cover=row["cover_sha256"] is not None,
        tags=TagsDto(**{name: row[f"tag_{name}"] for name in TagsDto.model_fields}),
        audio=_audio(row),
        analysis=_analysis(row),
        effective=EffectiveDto(
            tempo_bpm=row["effective_tempo_bpm"],
            key=row["effective_key"],
            genre=row["tag_genre"],
        ),
    )


def _problem(code: str | None, reason: str | None) -> Rejection | None:
    return None if code is None else Rejection(code=code, reason=reason or "")


def _audio(row: Row) -> AudioDto | None:
    if row["duration_s"] is None:
        return None
    decoded = {name: row[name] for name in AudioDto.model_fields if name != "playable"}
    # A view of version 1, read until the new one is built, has neither column.
    has_rendition = row.get("rendition_sha256") is not None
    return AudioDto(**decoded, playable=has_rendition or row.get("playable") is not False)


def _analysis(row: Row) -> AnalysisDto | None:
    if row["analysis_state"] != "completed":
        return None
    return AnalysisDto(
        id=row["analysis_id"],
        tempo_bpm=row["measured_tempo_bpm"],
        tempo_candidates=[TempoCandidateDto(**each) for each in row["tempo_candidates"]],
        key=row["measured_key"],
        key_confidence=row["key_confidence"],
        loudness_lufs=row["loudness_lufs"],
        true_peak_dbtp=row["true_peak_dbtp"],
        energy=row["energy"],
        analyser=row["analyser"],
        analyser_version=row["analyser_version"],
        degraded=row["degraded"],
    )
