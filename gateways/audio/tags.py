"""Reads what an open file says of itself: tags, pictures, encoder, replay gain.

A file may say it in several places; each is read for itself by `tag_readers.py`, and the most
trusted one that makes sense counts. A tag that cannot be read is no reason to refuse the sound:
whatever fails is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

from gateways.audio.cpu import within_cpu
from gateways.audio.facts import EmbeddedPicture, FileTags, SaidOfSound
from gateways.audio.pictures import Found, fit_pictures
from gateways.audio.tag_names import DEMUXED
from gateways.audio.tag_readers import Place, one_by_one, places_of
from gateways.audio.tag_values import to_said_of_sound, to_tags

# Everything a parser of hostile bytes was seen to raise, MemoryError included; none of it may
# cost the musician the upload.
_PARSER_ERRORS = (Exception,)
MAX_CPU_S = 2.0
NOTHING_DEMUXED: Mapping[str, str] = {}


@dataclass(frozen=True)
class Said:
    """All that a file says of itself; `cover_note` says why a picture in it is not shown."""

    tags: FileTags
    sound: SaidOfSound
    pictures: tuple[EmbeddedPicture, ...]
    cover_note: str | None = None


def read_tags(
    file: BinaryIO, demuxer: str, codec: str, demuxed: Mapping[str, str] = NOTHING_DEMUXED
) -> Said:
    """`demuxer` and `codec` say which of the tag formats to expect; `demuxed` is what the demuxer
    itself makes of them, which counts where nothing else is said.
    """
    places = [*read_places(file, demuxer, codec), demuxed_place(demuxed)]
    found: list[Found] = [picture for place in places for picture in place.pictures]
    pictures, note = fit_pictures(found)
    return Said(said_by(*places), to_said_of_sound(_merged(places)), pictures, note)


def read_places(file: BinaryIO, demuxer: str, codec: str) -> list[Place]:
    """Every place of the file that says anything, the most trusted first."""
    places: list[Place] = []
    with suppress(*_PARSER_ERRORS), within_cpu(MAX_CPU_S):
        for read in places_of(demuxer, codec):
            with one_by_one():
                file.seek(0)
                places.extend(read(file))
    return places


def said_by(*places: Place) -> FileTags:
    """Merges the tags of these places, the most trusted first."""
    return to_tags(_merged(places))


def demuxed_place(said: Mapping[str, str]) -> Place:
    """Makes one more place of what the demuxer says."""
    by_name = {name.lower(): text for name, text in said.items()}
    place = Place()
    for field, names in DEMUXED.items():
        for name in names:
            place.add(field, by_name.get(name))
    return place


def _merged(places: Iterable[Place]) -> dict[str, list[list[Any]]]:
    fields: dict[str, list[list[Any]]] = {}
    for place in places:
        for name, values in place.fields.items():
            fields.setdefault(name, []).extend(values)
    return fields
