"""Collections: recordings that a musician put together, by hand or by a saved question."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from events.ids import AccountId, AssetId, CollectionId, WorkspaceId
from events.model import Event, Personal

Kind = Literal["smart", "manual"]
MAX_ASSETS = 500
Assets = Annotated[tuple[AssetId, ...], Field(max_length=MAX_ASSETS)]


class CollectionCreated(Event, type="collection.created", version=1, subject="owner_id"):
    """`smart`: all that a saved question finds, now and later. `manual`: these recordings."""

    collection_id: CollectionId
    workspace_id: WorkspaceId
    owner_id: AccountId
    kind: Kind
    name: Personal[str]
    query: Personal[str] = None
    assets: Assets = ()


class CollectionChanged(Event, type="collection.changed", version=1, subject="changed_by"):
    """The collection has another name, question, content or cover; the event holds all of it anew.

    `cover` is the recording in it whose picture stands for it; null for those of its first ones.
    """

    collection_id: CollectionId
    workspace_id: WorkspaceId
    changed_by: AccountId
    name: Personal[str]
    query: Personal[str] = None
    assets: Assets = ()
    cover: AssetId | None = None


class CollectionDeleted(Event, type="collection.deleted", version=1):
    """The collection is gone; the recordings in it are not."""

    collection_id: CollectionId
    workspace_id: WorkspaceId
    deleted_by: AccountId
