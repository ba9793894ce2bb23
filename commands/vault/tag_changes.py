"""The tags of a recording as a musician may say them, and the answer to that."""

from __future__ import annotations

from typing import Annotated

from commands.vault.instruments import InstrumentNames
from commands.vault.musical_keys import MusicalKeySpelling
from commands.vault.names import SeveralNames
from events.vault.audio import Tags
from schemas.dto import Dto
from schemas.text import Text

# As long as the events' own fields; an empty one stays empty.
TagLine = Annotated[str, Text(500, min=0)]


class TagChanges(Tags):
    """Only the fields that are sent change; null takes back what the musician said before.

    `artists` and `genres` name several: `artist` and `genre` then show them all.
    """

    title: TagLine | None = None
    artist: TagLine | None = None
    album: TagLine | None = None
    genre: TagLine | None = None
    key: MusicalKeySpelling | None = None
    album_artist: TagLine | None = None
    composer: TagLine | None = None
    label: TagLine | None = None
    copyright: TagLine | None = None
    comment: Annotated[str, Text(2_000, lines=True, min=0)] | None = None
    instruments: InstrumentNames = None
    artists: SeveralNames = None
    genres: SeveralNames = None


class ChangedAsset(Dto):
    id: str
    version: int
