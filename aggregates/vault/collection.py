"""Rules of one collection: a saved question or a list of recordings, never both."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from aggregates.decision import Decision
from aggregates.errors import AlreadyExists, NotFound
from events.errors import NoCultureError
from events.ids import AccountId, AssetId, CollectionId, WorkspaceId
from events.model import Event
from events.vault.collection import (
    MAX_ASSETS,
    CollectionChanged,
    CollectionCreated,
    CollectionDeleted,
    Kind,
)

STORED_AS = "aggregates.collection"


class WrongKindOfCollection(NoCultureError):
    status, code = 422, "wrong-kind-of-collection"

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        super().__init__(
            "A smart collection needs a query and holds what it finds: send no assets"
            if kind == "smart"
            else "A manual collection holds the assets that you put in: send no query"
        )


class CollectionFull(NoCultureError):
    status, code = 422, "collection-full"

    def __init__(self) -> None:
        super().__init__(
            f"A collection holds up to {MAX_ASSETS} assets: begin another one, or save a search"
        )


class CoverElsewhere(NoCultureError):
    status, code = 422, "cover-elsewhere"

    def __init__(self) -> None:
        super().__init__("Only a track of the collection can be its cover: add the track first")


@dataclass(frozen=True, slots=True)
class Collection:
    """`name` and `query` are None once who said them was erased. `cover` is one of `assets`."""

    workspace_id: WorkspaceId
    kind: Kind
    name: str | None
    query: str | None
    assets: tuple[AssetId, ...]
    deleted: bool = False
    cover: AssetId | None = None


def create(
    nothing: Collection | None,
    collection_id: CollectionId,
    *,
    workspace_id: WorkspaceId,
    owner_id: AccountId,
    kind: Kind,
    name: str,
    query: str | None,
    assets: tuple[AssetId, ...],
) -> Decision:
    """Begin one. Refuses WrongKindOfCollection and CollectionFull (422)."""
    if nothing is not None:
        raise AlreadyExists("The collection")
    assets = tuple(dict.fromkeys(assets))
    _check(kind, query, assets)
    return Decision(
        CollectionCreated(
            collection_id=collection_id,
            workspace_id=workspace_id,
            owner_id=owner_id,
            kind=kind,
            name=name,
            query=query,
            assets=assets,
        )
    )


def change(
    collection: Collection | None,
    collection_id: CollectionId,
    *,
    changed_by: AccountId,
    name: str | None = None,
    query: str | None = None,
    assets: tuple[AssetId, ...] | None = None,
    add: tuple[AssetId, ...] = (),
    remove: tuple[AssetId, ...] = (),
    cover: AssetId | Literal["same"] | None = "same",
) -> Decision:
    """Another name, question or content: `assets` all of it, or what to `add` and `remove`. A cover
    that is taken out is none any more.

    Saying what is so already changes nothing. Refuses WrongKindOfCollection, CollectionFull and
    CoverElsewhere.
    """
    collection = _existing(collection)
    kept = collection.assets if assets is None else assets
    out = frozenset(remove)
    left = tuple(asset for asset in dict.fromkeys((*kept, *add)) if asset not in out)
    if cover == "same":
        cover = collection.cover if collection.cover in left else None
    elif cover is not None and cover not in left:
        raise CoverElsewhere
    changed = replace(
        collection,
        cover=cover,
        name=collection.name if name is None else name,
        query=collection.query if query is None else query,
        assets=left,
    )
    if changed == collection:
        return Decision()
    _check(collection.kind, changed.query, left)
    return Decision(
        CollectionChanged(
            collection_id=collection_id,
            workspace_id=collection.workspace_id,
            changed_by=changed_by,
            name=changed.name,
            query=changed.query,
            assets=left,
            cover=cover,
        )
    )


def delete(
    collection: Collection | None, collection_id: CollectionId, *, deleted_by: AccountId
) -> Decision:
    """Take it away; what is in it stays in the vault."""
    collection = _existing(collection)
    return Decision(
        CollectionDeleted(
            collection_id=collection_id,
            workspace_id=collection.workspace_id,
            deleted_by=deleted_by,
        )
    )


def evolve(collection: Collection | None, event: Event) -> Collection | None:
    match event:
        case CollectionCreated():
            return Collection(event.workspace_id, event.kind, event.name, event.query, event.assets)
        case CollectionChanged() if collection is not None:
            return replace(
                collection,
                name=event.name,
                query=event.query,
                assets=event.assets,
                cover=event.cover,
            )
        case CollectionDeleted() if collection is not None:
            return replace(collection, deleted=True)
        case _:
            return collection


def _check(kind: Kind, query: str | None, assets: tuple[AssetId, ...]) -> None:
    if (kind == "smart") != (query is not None) or (kind == "smart" and assets):
        raise WrongKindOfCollection(kind)
    if len(assets) > MAX_ASSETS:
        raise CollectionFull


def _existing(collection: Collection | None) -> Collection:
    if collection is None or collection.deleted:
        raise NotFound("The collection")
    return collection
