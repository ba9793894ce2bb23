"""The state of one asset, its claims, what a state refuses, and its tags as they are now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from aggregates.errors import NotFound
from aggregates.vault.credits import credit
from events.claims import Claim
from events.errors import NoCultureError
from events.ids import AccountId, AssetId, WorkspaceId
from events.model import Event
from events.vault.asset import (
    AssetArtworkRemoved,
    AssetArtworkSet,
    AssetDeleted,
    AssetFileRewritten,
    AssetMarked,
    AssetProbeRequested,
    AssetRejected,
    AssetRestored,
    AssetShared,
    AssetSongChosen,
    AssetTagsEdited,
    AssetTrashed,
    AssetUnshared,
    AssetUploaded,
    AssetVerified,
    Colour,
    Status,
)
from events.vault.audio import Blob, Tags

CONTENT_CLAIM = "asset-content"
# Finds, and ends, what was shared with somebody who is being erased.
SHARED_CLAIM = "asset-shared"
NOTHING_SAID = Tags()
# A file can hold these tags; the four others are only overridden by the musician.
FILE_TAGS = Tags.model_fields.keys() - {"energy", "danceability", "valence", "instruments"}
# The tag whose text is shown → the tag that holds its single names, if there are several.
LISTED = {"artist": "artists", "genre": "genres"}


class AssetNotReady(NoCultureError):
    status, code = 409, "asset-not-ready"

    def __init__(self, state: str) -> None:
        super().__init__(f"The file is {state}: only a verified file can be changed, wait for it")


class AssetInTrash(NoCultureError):
    status, code = 409, "asset-in-trash"

    def __init__(self) -> None:
        super().__init__("This track is in the trash: take it out of the trash first")


@dataclass(frozen=True, slots=True)
class InTrash:
    """The account that put it there, and the time at which it is deleted."""

    trashed_by: AccountId
    until: datetime


@dataclass(frozen=True, slots=True)
class Marks:
    """None is none; a rating of 0 is not rated."""

    status: Status | None = None
    rating: int = 0
    colour: Colour | None = None


NO_MARKS = Marks()


@dataclass(frozen=True, slots=True)
class Artwork:
    """A chosen picture: the larger one, of `width` by `height`, and the small one of it."""

    picture: Blob
    small: Blob
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Asset:
    """`overrides` holds only what the musician said, `said` what the file says.

    `earlier` are the hash and size of its versions before tags were written into it. `shared` are
    the accounts that may hear it too, each with its right. `trash` is None outside of the trash.
    `marks` are the workspace's own. `artwork` is the chosen picture, `artwork_before` the one that
    it took the place of: None for none.
    `song` is the one that the musician has put it into, None where its title decides.
    """

    workspace_id: WorkspaceId
    sha256: str
    owner_id: AccountId
    state: str = "uploaded"
    probe_attempts: int = 1
    overrides: Tags = NOTHING_SAID
    overridden: frozenset[str] = frozenset()
    size_bytes: int = 0
    said: Tags = NOTHING_SAID
    earlier: tuple[tuple[str, int], ...] = ()
    shared: tuple[tuple[AccountId, str], ...] = ()
    trash: InTrash | None = None
    marks: Marks = NO_MARKS
    artwork: Artwork | None = None
    artwork_before: Artwork | None = None
    song: str | None = None

    def right_of(self, account_id: str) -> str | None:
        """Answers what it was shared for with this account; None where it was not."""
        return next((right for holder, right in self.shared if holder == account_id), None)


def shared_claim(asset_id: AssetId, account_id: AccountId) -> Claim:
    """The keys of one account's claims begin with its id."""
    return Claim(SHARED_CLAIM, f"{account_id}:{asset_id}", scope="global")


def content_claim(sha256: str) -> Claim:
    """One workspace holds the same bytes once: the loser of this claim is a duplicate."""
    return Claim(CONTENT_CLAIM, sha256)


def with_names(asset: Asset, changes: dict[str, object]) -> dict[str, object]:
    """The changes with what follows from them: another text clears the names that were in it, and
    names make the text that shows them.
    """
    made = dict(changes)
    for shown, listed in LISTED.items():
        before = tag_now(asset, listed)
        names = made.pop(listed, None)
        several: object = None
        if isinstance(names, list | tuple):
            made[shown], several = credit(made.get(shown), names)
        elif listed not in changes and made.get(shown) == tag_now(asset, shown):
            several = before
        if (shown in made or listed in changes) and several != before:
            made[listed] = several
    return made


def tag_now(asset: Asset, name: str) -> object:
    """Answers the tag as it is now: the musician's, else the file's."""
    return getattr(asset.overrides if name in asset.overridden else asset.said, name)


def tags_to_write(asset: Asset) -> dict[str, object]:
    """Lists tags that the musician says and the file does not; None is taken out of the file."""
    names = sorted(asset.overridden & FILE_TAGS)
    now = {name: getattr(asset.overrides, name) for name in names}
    return {name: value for name, value in now.items() if value != getattr(asset.said, name)}


def after(asset: Asset | None, event: Event) -> Asset | None:
    """The state once the event has happened: the `evolve` of the asset's rules."""
    match event:
        case AssetUploaded():
            return Asset(
                event.workspace_id, event.sha256, event.uploaded_by, size_bytes=event.size_bytes
            )
        case _ if asset is None:
            return None
        case AssetProbeRequested():
            return replace(asset, probe_attempts=event.attempt)
        case AssetVerified():
            return replace(asset, state="verified", said=event.tags or NOTHING_SAID)
        case AssetRejected():
            return replace(asset, state="rejected")
        case AssetTagsEdited():
            said = event.tags or NOTHING_SAID
            edited = {name: getattr(said, name) for name in event.changed}
            return replace(
                asset,
                overrides=asset.overrides.model_copy(update=edited),
                overridden=asset.overridden | set(event.changed),
            )
        case AssetMarked():
            return replace(asset, marks=Marks(event.status, event.rating, event.colour))
        case AssetArtworkSet():
            chosen = Artwork(event.picture, event.small, event.width, event.height)
            return replace(asset, artwork=chosen, artwork_before=asset.artwork)
        case AssetArtworkRemoved():
            return replace(asset, artwork=None, artwork_before=asset.artwork)
        case AssetFileRewritten():
            return replace(
                asset,
                sha256=event.sha256,
                size_bytes=event.size_bytes,
                said=event.tags or NOTHING_SAID,
                earlier=(*asset.earlier, (asset.sha256, asset.size_bytes)),
            )
        case AssetShared():
            others = _others(asset, event.account_id)
            return replace(asset, shared=(*others, (event.account_id, event.right)))
        case AssetUnshared():
            return replace(asset, shared=_others(asset, event.account_id))
        case AssetTrashed():
            return replace(asset, trash=InTrash(event.trashed_by, event.until))
        case AssetRestored():
            return replace(asset, trash=None)
        case AssetSongChosen():
            return replace(asset, song=event.song)
        case AssetDeleted():
            return replace(asset, state="deleted", shared=(), trash=None)
        case _:
            return asset


def _others(asset: Asset, account_id: AccountId) -> tuple[tuple[AccountId, str], ...]:
    return tuple(each for each in asset.shared if each[0] != account_id)


def verified(asset: Asset | None) -> Asset:
    """Raises NotFound (404), AssetInTrash, AssetNotReady (409)."""
    asset = in_use(asset)
    if asset.state != "verified":
        raise AssetNotReady(asset.state)
    return asset


def in_use(asset: Asset | None) -> Asset:
    """Raises NotFound (404), AssetInTrash (409)."""
    asset = existing(asset)
    if asset.trash is not None:
        raise AssetInTrash
    return asset


def existing(asset: Asset | None) -> Asset:
    if asset is None or asset.state == "deleted":
        raise NotFound("The asset")
    return asset
