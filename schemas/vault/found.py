"""Answers of a search: assets with the reasons why, what was understood, and collections."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.dto import Dto, Page, Timestamp
from schemas.vault.dto import AssetDto


class VersionDto(Dto):
    """One version of a song. `relation` says in words what it is to the current one."""

    id: str
    version: int
    title: str
    kind: str | None
    relation: str
    current: bool
    duration_s: float | None
    loudness_lufs: float | None


class SongDto(Dto):
    """The versions of one song, the current one first, at most twenty of the `count`. `hit` is the
    version that was found, where that is not the current one.
    """

    song: str
    count: int
    versions: list[VersionDto]
    hit: VersionDto | None = None


class FoundAsset(AssetDto):
    """An asset in an answer to a question: why it is there, and how near by sound or meaning.
    `versions` are of its song, in a list that is folded.
    """

    reasons: list[str] = Field(default_factory=list)
    similarity: float | None = None
    versions: SongDto | None = None


class RelatedAsset(AssetDto):
    """`same-audio` in another format or level, `contains` (one holds a part of the other), or
    `version` of one song; `share` of the shorter one that is the same, `offset_s` where it begins.
    """

    kind: Literal["same-audio", "contains", "version"]
    share: float | None = None
    offset_s: float | None = None
    reason: str


class ChipDto(Dto):
    """A filter that was understood out of `q`, where it says `said`; the words count as text too.
    One that `ranks` hides nothing. `without` is the question when it is taken away."""

    name: str
    value: str
    label: str
    said: str
    ranks: bool
    without: str


class AssetPage(Page[FoundAsset]):
    """`understood` filters of `q`; `words` are the rest, `spelling` how they were matched, and
    `unmatched` those that stand nowhere, so that only the filters count."""

    understood: list[ChipDto] = Field(default_factory=list)
    words: str | None = None
    spelling: Literal["as-written", "misspelt"] | None = None
    unmatched: str | None = None


class ChangedCollection(Dto):
    id: str
    version: int


class CollectionDto(Dto):
    """`smart`: all that `query` finds, a list's parameters as in an address. `manual`: `assets`.

    `count` is what it holds right now; `name` is null once who gave it was erased. Of a `manual`
    one `duration_s` is the length of all of it, and `covers` are the first assets of it with
    pictures that differ, at most four, or the `cover` alone that was chosen.
    """

    id: str
    version: int
    kind: Literal["smart", "manual"]
    name: str | None
    query: str | None = None
    assets: list[str] = Field(default_factory=list)
    count: int
    duration_s: float | None = None
    cover: str | None = None
    covers: list[str] = Field(default_factory=list)
    created_at: Timestamp
    changed_at: Timestamp | None = None
