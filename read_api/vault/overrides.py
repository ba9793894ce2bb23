"""A report as the musician wants it: what they said stands, and what was found stays beside it."""

from __future__ import annotations

from typing import Any

from read_api.views import Row
from schemas.audio.harmony import camelot
from schemas.audio.report import AudioFeatures, Figure, Genre, Instrument, Instruments, Report

_SAID: dict[str, Any] = {
    "method": "musician",
    "model": None,
    "weights_sha256": None,
    "confidence": 1.0,
    "overridden": True,
}


def with_overrides(report: Report, row: Row) -> Report:
    """`row` is the vault's. A tag of the file is no override: nobody listened to write it."""
    return report.model_copy(
        update={
            "audioFeatures": _features(report.audioFeatures, row),
            "genre": _genre(report.genre, _own(row, "genre")),
            "instruments": _instruments(report.instruments, row.get("tag_instruments")),
        }
    )


def _own(row: Row, name: str) -> Any:
    return row[f"tag_{name}"] if row.get(f"own_{name}") else None


def _features(found: AudioFeatures, row: Row) -> AudioFeatures:
    said: dict[str, Figure] = {}
    if (tempo_bpm := _own(row, "tempo_bpm")) is not None:
        said["tempo"] = _said(found.tempo, tempo_bpm)
    if (key := _own(row, "key")) is not None:
        said["key"] = _said(found.key, key).model_copy(update={"camelot": camelot(key) or None})
    for name in ("energy", "danceability", "valence"):
        if (value := row.get(f"tag_{name}")) is not None:
            said[name] = _said(getattr(found, name), value)
    return found.model_copy(update=said)


def _said(found: Figure, value: float | str) -> Figure:
    return found.model_copy(update={**_SAID, "value": value, "measured": found.value})


def _genre(found: Genre, said: str | None) -> Genre:
    if said is None:
        return found
    return found.model_copy(update={**_SAID, "primary": said, "measured": found.primary})


def _instruments(found: Instruments, said: list[str] | None) -> Instruments:
    """In the musician's order; how much of each is heard is what was measured, 0 if nothing was."""
    if said is None:
        return found
    heard = {each.name.casefold(): each for each in found.detected}
    detected = []
    for name in said:
        same = heard.get(name.casefold())
        share, lead = (same.share, same.lead) if same else (0.0, False)
        detected.append(Instrument(**_SAID, name=name, share=share, lead=lead, certainty="said"))
    return found.model_copy(update={"detected": detected})
