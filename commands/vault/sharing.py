"""Recordings shared with people of other workspaces: share, change the right, end it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, model_validator

from aggregates.errors import NotFound
from aggregates.vault import asset
from commands.contexts import command_context
from commands.http import answer
from commands.owned import known
from commands.people import FindPerson, Person
from commands.unit import Commands, Unit
from events.access import OWN, require
from events.errors import NoCultureError
from events.ids import AccountId, AssetId
from events.store.pending import Committed
from kit.auth import Authenticate
from kit.caller import Caller
from kit.idempotency import idempotency_key
from kit.limits import RateLimits
from kit.openapi import problems
from schemas.text import Ref, Text
from schemas.vault.dto import Right, SharedWith


class ShareAsset(BaseModel):
    """With an account, or with whoever has proven this address."""

    model_config = ConfigDict(extra="forbid")

    account_id: Ref | None = None
    email: Annotated[str, Text(320)] | None = None
    right: Right

    @model_validator(mode="after")
    def _one_of_both(self) -> ShareAsset:
        if (self.account_id is None) == (self.email is None):
            raise ValueError("send account_id or email, one of both")
        return self


class PersonUnknown(NoCultureError):
    status, code = 422, "person-unknown"

    def __init__(self) -> None:
        super().__init__(
            "No account here has verified this address: ask them to sign up and verify it,"
            " then share the track again"
        )


def reach(
    caller: Caller, recording: asset.Asset | None, wanted: str, what: str = "The asset"
) -> asset.Asset:
    """The recording, for its own workspace and for whoever it is shared with.

    Raises NotFound (404) for all others, and while it is in the trash for these too; RightMissing
    (403) for too small a right.
    """
    if recording is None:
        raise NotFound(what)
    if recording.workspace_id != caller.workspace_id:
        held = recording.right_of(caller.account_id)
        if held is None or recording.trash is not None:
            raise NotFound(what)
        require(held, wanted)
    return recording


def while_shared(
    unit: Unit,
    caller: Caller,
    asset_id: AssetId,
    recording: asset.Asset,
    what: str = "The asset",
) -> None:
    """Whoever it is shared with changes nothing behind the end of that: `commit` raises NotFound
    (404) then. What was looked at before is true of another moment.
    """
    if recording.workspace_id != caller.workspace_id:
        claim = asset.shared_claim(asset_id, AccountId(caller.account_id))
        unit.while_held(claim, asset_id, NotFound(what))


class Sharing:
    def __init__(self, commands: Commands, find_person: FindPerson) -> None:
        self._commands, self._find_person = commands, find_person

    def share(
        self, caller: Caller, asset_id: str, command: ShareAsset, key: str | None = None
    ) -> tuple[SharedWith, Committed]:
        """Raises NotFound (404), RightMissing (403), OwnThing and PersonUnknown (422)."""
        stream = known(AssetId, asset_id, "The asset")
        unit = self._commands.unit(
            command_context(caller, "POST /api/assets/{id}/grants", key),
            input={"asset_id": stream, **command.model_dump()},
        )
        if first := unit.once():
            return self._first(stream, first), first
        reach(caller, self._load(stream), OWN)
        person = self._person(command)
        unit.while_held(person.address, person.account_id, PersonUnknown())
        unit.change(
            asset,
            stream,
            asset.share,
            account_id=person.account_id,
            right=command.right,
            shared_by=AccountId(caller.account_id),
        )
        shared = SharedWith(asset_id=stream, account_id=person.account_id, right=command.right)
        return shared, unit.commit()

    def end(
        self, caller: Caller, asset_id: str, account_id: str, key: str | None = None
    ) -> Committed:
        """The owner ends it, or whoever it is shared with for themselves.

        Raises NotFound (404), RightMissing (403).
        """
        stream = known(AssetId, asset_id, "The asset")
        holder = known(AccountId, account_id, "The grant")
        unit = self._commands.unit(
            command_context(caller, "DELETE /api/assets/{id}/grants/{account_id}", key),
            input={"asset_id": stream, "account_id": holder},
        )
        if first := unit.once():
            return first
        wanted = "listen" if holder == caller.account_id else OWN
        recording = reach(caller, self._load(stream), wanted)
        unit.belongs_to(recording.workspace_id)
        by = AccountId(caller.account_id)
        unit.change(asset, stream, asset.unshare, account_id=holder, unshared_by=by)
        return unit.commit()

    def _person(self, command: ShareAsset) -> Person:
        found = self._find_person(account_id=command.account_id, email=command.email)
        if found is None:
            raise PersonUnknown
        return found

    def _load(self, stream: AssetId) -> asset.Asset | None:
        found: asset.Asset | None = self._commands.load(asset, stream, fresh=True).state
        return found

    def _first(self, stream: AssetId, first: Committed) -> SharedWith:
        """The person it was shared with by the command that is repeated, as the log has it."""
        version = first.stream_version
        [stored] = self._commands.log.events.stream(
            stream, after_version=version - 1, up_to_version=version
        )
        data: dict[str, Any] = stored.to_json()["data"]
        return SharedWith(asset_id=stream, account_id=data["account_id"], right=data["right"])


def router(sharing: Sharing, authenticated: Authenticate, limits: RateLimits) -> APIRouter:
    routes = APIRouter(prefix="/api/assets/{asset_id}/grants", tags=["sharing"])
    writer = Depends(authenticated("assets:write"))

    @routes.post(
        "",
        status_code=201,
        operation_id="shareAsset",
        responses=problems(401, 403, 404, 409, 422, 429, 503),
    )
    def share_asset(
        asset_id: Ref,
        command: ShareAsset,
        request: Request,
        response: Response,
        caller: Caller = writer,
        key: str | None = Depends(idempotency_key),
    ) -> SharedWith:
        """Let somebody hear the asset, comment on it too, or change its tags as well. Shared again
        with another `right`, that one counts."""
        if command.email is not None:
            limits.check(request, "share-address", caller.account_id)
        shared, committed = sharing.share(caller, asset_id, command, key)
        answer(response, committed, with_etag=True)
        return shared

    @routes.delete(
        "/{account_id}",
        status_code=204,
        operation_id="unshareAsset",
        responses=problems(401, 403, 404, 422, 429, 503),
    )
    def unshare_asset(
        asset_id: Ref,
        account_id: Ref,
        response: Response,
        caller: Caller = writer,
        key: str | None = Depends(idempotency_key),
    ) -> None:
        """End it; whoever it is shared with may do that for themselves too."""
        answer(response, sharing.end(caller, asset_id, account_id, key), with_etag=True)

    return routes
