"""Names in plain words: events for the timeline of a track, fields, figures."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from read_api.vault.queue import left
from read_api.vault.search.chips import stars
from schemas.audio.files import NOT_AUDIO
from schemas.audio.harmony import KEYS, camelot
from schemas.dto import EventDto
from schemas.vault.analyses import ReanalysisDto
from schemas.vault.dto import AssetDto
from web import looks
from web.pages.vault.columns import COLUMNS, direction, turned
from web.pages.vault.covers import pattern, strokes
from web.pages.vault.doubt import doubt
from web.pages.vault.filters import COLOURS, FILTERS, STATES, STATUSES
from web.pages.vault.from_name import read_in_name
from web.pages.vault.search_form import opened
from web.render import Words
from web.troubles import is_plain

_SHARED = {"listen": "To listen", "comment": "To comment", "edit": "To change its tags too"}
_FIELDS = {"tempo_bpm": "tempo", "isrc": "ISRC", "valence": "positivity"}
_FIGURES = {
    "tempo_bpm": "Tempo, BPM",
    "loudness_lufs": "Loudness, LUFS",
    "loudness_range_lu": "Loudness range, LU",
    "true_peak_dbtp": "True peak, dBTP",
    "valence": "Positivity",
    "onset_rate": "Onsets per second",
    "degraded": "Left out",
}


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the timeline; `mood` is good, bad or plain."""

    what: str
    detail: str
    position: int
    at: datetime
    by: str
    mood: str = "plain"


def happening(event: EventDto, me: str) -> Happening | None:
    """None for inner steps that tell a musician nothing. `me` is the reader's account id."""
    told = _tell(event.type, event.data)
    if told is None:
        return None
    what, detail, mood = told
    by = "NoCulture" if event.actor is None else "you" if event.actor == me else "a member"
    return Happening(what, detail, event.position, event.recorded_at, by, mood)


def title(asset: AssetDto) -> str:
    """The tag, else what is read in the file's name, else that without its ending."""
    read = asset.from_name and asset.from_name.title
    return asset.tags.title or read or asset.filename.rpartition(".")[0] or asset.filename


def credited(asset: AssetDto) -> str:
    """The artist by the tag, else by the file's name; empty where neither says one."""
    return asset.tags.artist or (asset.from_name and asset.from_name.artist) or ""


def figure_name(name: str) -> str:
    return _FIGURES.get(name) or _spaced(name).capitalize()


def figure_said(value: object, name: str) -> str:
    """Writes a run's figure for a table of two runs; defects are codes."""
    match value:
        case None | []:
            return looks.NONE
        case list():
            return ", ".join(_spaced(each) if name == "defects" else str(each) for each in value)
        case int() | float():
            return looks.figure(value)
        case _:
            return str(value)


def readable(reason: str) -> str:
    """Why something failed, unless only a programmer would understand it."""
    return reason if " " in reason.strip() and is_plain(reason) else ""


def ended(again: ReanalysisDto) -> str:
    """How a new analysis of many tracks came to its end."""
    tracks = "1 track" if again.total == 1 else f"{looks.grouped(again.total)} tracks"
    if not again.total:
        return "There was no track to re-analyse."
    if again.state == "cancelled":
        told = f"Stopped after {looks.grouped(again.done)} of {tracks}."
    else:
        told = f"{looks.grouped(again.measured)} of {tracks} re-analysed."
    if again.failed:
        told += f" {looks.grouped(again.failed)} failed and keep their earlier analysis."
    if again.passed_over:
        told += f" {looks.grouped(again.passed_over)} skipped: deleted, or analysed anyway."
    return told


def _versions(data: dict[str, Any]) -> str:
    match data.get("song"):
        case None:
            return "Versions found by the title"
        case song if song == data["asset_id"]:
            return "Made a song of its own"
        case _:
            return "Put with its other versions"


def _tell(kind: str, data: dict[str, Any]) -> tuple[str, str, str] | None:
    match kind:
        case "asset.uploaded":
            name = data["filename"] or "A file"
            return "Uploaded", f"{name}, {looks.size(data['size_bytes'])}", "plain"
        case "asset.verified":
            return "Checked", _checked(data), "good"
        case "asset.rejected":
            return "Rejected", str(data.get("reason", "")), "bad"
        case "asset.probe_requested":
            return "Checked again", f"Attempt {data.get('attempt')}", "plain"
        case "asset.tags_edited":
            return "Tags edited", _edits(data), "plain"
        case "asset.marked":
            return "Marked", _marks(data), "plain"
        case "asset.artwork_set":
            return "Picture chosen", f"{data['width']:,} × {data['height']:,}", "plain"
        case "asset.artwork_removed":
            return "Picture removed", "", "plain"
        case "asset.file_rewritten":
            return "Tags written into the file", _written(data), "good"
        case "asset.shared":
            return "Shared", _SHARED[data["right"]], "plain"
        case "asset.unshared":
            return "No longer shared", "", "plain"
        case "asset.trashed":
            return "Moved to the trash", "", "plain"
        case "asset.restored":
            return "Taken out of the trash", "", "good"
        case "asset.song_chosen":
            return _versions(data), "", "plain"
        case "asset.current_chosen":
            current = "Made the current version" if data["current"] else "An earlier version now"
            return current, "", "plain"
        case "asset.deleted":
            return "Deleted", "", "bad"
        case "analysis.requested":
            return "Re-analysing" if _anew(data) else "Analysing", _wanted(data), "plain"
        case "analysis.completed":
            what = "Re-analysed" if _anew(data) else "Analysed"
            return what, _measured(data.get("measurement") or {}), "good"
        case "analysis.attempt_failed":
            return "An analysis failed", readable(str(data.get("reason", ""))), "bad"
        case "analysis.failed":
            what = "Not re-analysed" if _anew(data) else "Not analysed"
            return what, readable(str(data.get("reason", ""))), "bad"
        case "comment.added":
            return "Commented", _comment(data), "plain"
        case "comment.edited":
            return "Comment edited", _comment(data), "plain"
        case "comment.resolved":
            return "Comment resolved", "", "good"
        case "comment.reopened":
            return "Comment reopened", "", "plain"
        case "comment.deleted":
            return "Comment deleted", "", "plain"
        case "reanalysis.requested":
            return "Re-analysing tracks", f"{looks.grouped(data['total'])} in all", "plain"
        case "reanalysis.completed":
            return "Tracks re-analysed", _outcome(data), "good"
        case "reanalysis.cancelled":
            return "Re-analysing stopped", "Tracks already begun are still analysed", "plain"
        case "ingest.stepped" | "reanalysis.listed" | "reanalysis.batch_started":
            return None
        case _:
            return _spaced(kind.replace("asset.", "track.")).capitalize(), "", "plain"


def _checked(data: dict[str, Any]) -> str:
    copied = ", with an MP3 beside it for the browser" if data.get("rendition") else ""
    return _audio(data.get("audio") or {}) + copied


def _audio(audio: dict[str, Any]) -> str:
    if not audio:
        return "The whole file plays"
    rate_khz = audio["sample_rate_hz"] / 1000
    return f"The whole file plays: {looks.clock(audio['duration_s'])}, {rate_khz:g} kHz"


def _anew(data: dict[str, Any]) -> bool:
    return bool(data.get("run", 1) > 1)


def _wanted(data: dict[str, Any]) -> str:
    """Attempts count on over all runs: only those of the first are told by their number."""
    if _anew(data):
        return "With many others" if data.get("reanalysis_id") else ""
    attempt = data.get("attempt", 1)
    return "" if attempt == 1 else f"Attempt {attempt}"


def _outcome(data: dict[str, Any]) -> str:
    tools = [
        f"{looks.grouped(data[name])} {told}"
        for name, told in (("measured", "done"), ("failed", "failed"), ("passed_over", "left out"))
        if data.get(name)
    ]
    return ", ".join(tools)


def _edits(data: dict[str, Any]) -> str:
    tags = data.get("tags") or {}
    said = []
    for name in data.get("changed", ()):
        value = tags.get(name)
        if isinstance(value, list | tuple):
            value = ", ".join(map(str, value))
        field = field_name(name)
        said.append(f"{field} cleared" if value in (None, "") else f"{field} is now {value}")
    told = ", ".join(said)
    return told[:1].upper() + told[1:]


def _marks(data: dict[str, Any]) -> str:
    rating = data.get("rating") or 0
    said = [
        _spaced(data.get("status") or ""),
        stars(rating) if rating else "",
        data.get("colour") or "",
    ]
    told = ", ".join(filter(None, said)) or "no marks"
    return told[:1].upper() + told[1:]


def _written(data: dict[str, Any]) -> str:
    def named(names: list[str]) -> str:
        return ", ".join(map(field_name, names))

    told = named(data.get("written", []))
    if data.get("left_out"):
        told += f"; this kind of file cannot hold {named(data['left_out'])}"
    return told[:1].upper() + told[1:]


def field_name(name: str) -> str:
    """A tag's name as the form of tags has it, in small letters."""
    return _FIELDS.get(name) or _spaced(name)


def _spaced(name: str) -> str:
    """`album_artist`, `dc-offset` and `asset.moved` as a person writes them."""
    return re.sub(r"[-_.:]+", " ", name)


def _comment(data: dict[str, Any]) -> str:
    text = data.get("text")
    return f"At {looks.clock(data['at_s'])}: {text}" if text else f"At {looks.clock(data['at_s'])}"


def _measured(measurement: dict[str, Any]) -> str:
    said = []
    if measurement.get("tempo_bpm"):
        said.append(f"{looks.decimal(measurement['tempo_bpm'])} BPM")
    if measurement.get("key"):
        said.append(str(measurement["key"]))
    if measurement.get("loudness_lufs") is not None:
        said.append(f"{looks.decimal(measurement['loudness_lufs'])} LUFS")
    return ", ".join(said)


def in_templates() -> Words:
    """Filters and values of the vault's templates."""
    filters = (
        *(figure_name, figure_said, field_name, readable, camelot, opened, doubt, ended, left),
        *(pattern, strokes, turned, direction, stars, credited, read_in_name),
    )
    return Words(
        # Jinja's own `title` capitalises words; an asset's title is meant here.
        {filter.__name__: filter for filter in filters} | {"named": title},
        {
            "KEYS": KEYS,
            "STATES": STATES,
            "FILTERS": FILTERS,
            "COLUMNS": COLUMNS,
            "NOT_AUDIO": sorted(NOT_AUDIO),
            "STATUSES": STATUSES,
            "COLOURS": COLOURS,
        },
        docks=("vault/_docks.html", "vault/_collect.html"),
    )
