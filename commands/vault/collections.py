"""Collections: begin one by hand or from a search, change it, take it away."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from aggregates.errors import NotFound
from aggregates.vault import asset, collection
from commands.contexts import command_context
from commands.http import answer
from commands.owned import as_seen, known, owned
from commands.unit import Commands, Unit
from events.ids import AccountId, AssetId, CollectionId, WorkspaceId
from events.store.pending import Committed
from events.vault.collection import MAX_ASSETS, Kind
from kit.auth import Authenticate
from kit.caller import Caller
from kit.conditions import if_match
from kit.idempotency import idempotency_key
from kit.openapi import problems
from schemas.text import Opaque, Ref, Text
from schemas.vault.found import ChangedCollection

Name = Annotated[str, Text(200)]
Query = Annotated[str, Opaque(2000)]
AssetIds = Annotated[list[Ref], Field(max_length=MAX_ASSETS)]


class CreateCollection(BaseModel):
    """`query` as in the address of a list: `q=dark+techno&tempo_min=130`."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    kind: Kind
    query: Query | None = None
    assets: AssetIds = Field(default_factory=list)


class ChangeCollection(BaseModel):
    """Only what is sent changes; `assets` is all of the content, `add` and `remove` part of it.

    `cover` is one of the assets, whose picture then stands for all; null for those of the first.
    """

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    query: Query | None = None
    assets: AssetIds | None = None
    add: AssetIds = Field(default_factory=list)
    remove: AssetIds = Field(default_factory=list)
    cover: Ref | None = None


class Collections:
    """`canonical` is a query as it is kept; it raises when the query is none (422)."""

    def __init__(self, commands: Commands, canonical: Callable[[str], str]) -> None:
        self._commands, self._canonical = commands, canonical

    def create(
        self, caller: Caller, command: CreateCollection, key: str | None = None
    ) -> Committed:
        """Raises WrongKindOfCollection, InvalidQuery (422), NotFound (404) for a strange asset."""
        collection_id = CollectionId.new()
        context = command_context(caller, "POST /api/collections", key)
        unit = self._commands.unit(context, input=command)
        if first := unit.once():
            return first
        unit.start(
            collection,
            collection_id,
            collection.create,
            workspace_id=WorkspaceId(caller.workspace_id),
            owner_id=AccountId(caller.account_id),
            kind=command.kind,
            name=command.name,
            query=None if command.query is None else self._canonical(command.query),
            assets=self._assets(caller, command.assets),
        )
        return unit.commit()

    def change(
        self,
        caller: Caller,
        collection_id: str,
        command: ChangeCollection,
        expected_version: int | None,
        key: str | None = None,
    ) -> Committed:
        """Raises NotFound (404), WrongKindOfCollection, CollectionFull, CoverElsewhere and
        InvalidQuery (422), PreconditionFailed (412).
        """
        said = command.model_dump(exclude_unset=True)
        stream, held, unit = self._unit(caller, "PATCH", collection_id, expected_version, key, said)
        if first := unit.once():
            return first
        with as_seen(expected_version):
            unit.change_at(
                expected_version,
                collection,
                stream,
                collection.change,
                changed_by=AccountId(caller.account_id),
                name=command.name,
                query=None if command.query is None else self._canonical(command.query),
                assets=(
                    None if command.assets is None else self._assets(caller, command.assets, held)
                ),
                add=self._assets(caller, command.add, held),
                remove=tuple(_ids(command.remove)),
                cover=_cover(command),
            )
            return unit.commit()

    def delete(
        self,
        caller: Caller,
        collection_id: str,
        expected_version: int | None,
        key: str | None = None,
    ) -> Committed:
        """Raises NotFound (404), PreconditionFailed (412)."""
        stream, _, unit = self._unit(caller, "DELETE", collection_id, expected_version, key, {})
        by = AccountId(caller.account_id)
        with as_seen(expected_version):
            unit.change_at(expected_version, collection, stream, collection.delete, deleted_by=by)
            return unit.commit()

    def _unit(
        self,
        caller: Caller,
        method: str,
        collection_id: str,
        expected_version: int | None,
        key: str | None,
        said: dict[str, Any],
    ) -> tuple[CollectionId, frozenset[AssetId], Unit]:
        """(the collection, what it holds, the unit of work). Raises NotFound (404)."""
        stream = known(CollectionId, collection_id, "The collection")
        state = owned(self._commands, caller, collection, stream, "The collection")
        unit = self._commands.unit(
            command_context(caller, f"{method} /api/collections/{{id}}", key),
            input={"collection_id": stream, "expected": expected_version, **said},
        )
        return stream, frozenset(state.assets), unit

    def _assets(
        self, caller: Caller, wanted: Iterable[str], held: Container[AssetId] = ()
    ) -> tuple[AssetId, ...]:
        """Finds recordings of the caller's own workspace. What the collection has `held` is taken
        as it is: another order loads no recording, and keeps those that are deleted meanwhile.

        Raises NotFound (404).
        """
        found = tuple(_ids(wanted))
        for asset_id in found:
            if asset_id in held:
                continue
            state = self._commands.load(asset, asset_id).state
            if (
                state is None
                or state.workspace_id != caller.workspace_id
                or state.state == "deleted"
            ):
                raise NotFound("The asset")
        return found


def _cover(command: ChangeCollection) -> AssetId | Literal["same"] | None:
    if "cover" not in command.model_fields_set:
        return "same"
    return None if command.cover is None else known(AssetId, command.cover, "The asset")


def _ids(wanted: Iterable[str]) -> list[AssetId]:
    return [known(AssetId, each, "The asset") for each in wanted]


def router(collections: Collections, authenticated: Authenticate) -> APIRouter:
    routes = APIRouter(prefix="/api/collections", tags=["collections"])
    writer = Depends(authenticated("assets:write"))

    @routes.post(
        "",
        status_code=201,
        operation_id="createCollection",
        responses=problems(401, 403, 404, 422, 429, 503),
    )
    def create_collection(
        command: CreateCollection,
        response: Response,
        caller: Caller = writer,
        key: str | None = Depends(idempotency_key),
    ) -> ChangedCollection:
        """Begin a collection: `smart` holds what its query finds, `manual` what you put in."""
        committed = collections.create(caller, command, key)
        response.headers["Location"] = f"/api/collections/{committed.stream_id}"
        return _told(response, committed)

    @routes.patch(
        "/{collection_id}",
        operation_id="changeCollection",
        responses=problems(401, 403, 404, 412, 422, 428, 429, 503),
    )
    def change_collection(
        collection_id: Ref,
        command: ChangeCollection,
        response: Response,
        expected_version: int | None = Depends(if_match),
        caller: Caller = writer,
        key: str | None = Depends(idempotency_key),
    ) -> ChangedCollection:
        """Give it another name, query, content or cover."""
        committed = collections.change(caller, collection_id, command, expected_version, key)
        return _told(response, committed)

    @routes.delete(
        "/{collection_id}",
        status_code=204,
        operation_id="deleteCollection",
        responses=problems(401, 403, 404, 412, 422, 428, 429, 503),
    )
    def delete_collection(
        collection_id: Ref,
        response: Response,
        expected_version: int | None = Depends(if_match),
        caller: Caller = writer,
        key: str | None = Depends(idempotency_key),
    ) -> None:
        """Take a collection away; its recordings stay."""
        answer(response, collections.delete(caller, collection_id, expected_version, key))

    return routes


def _told(response: Response, committed: Committed) -> ChangedCollection:
    answer(response, committed, with_etag=True)
    return ChangedCollection(id=committed.stream_id, version=committed.stream_version)
