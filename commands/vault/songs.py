"""Versions of a song: which tracks are one song, and which of them is the current one."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, model_validator

from aggregates.vault import asset, versions
from commands.http import answer
from commands.vault.bulk import Bulk
from commands.vault.bulk_requests import EachOnce, Named
from commands.vault.tag_changes import ChangedAsset
from events.ids import AccountId, AssetId
from events.store.pending import Committed
from kit.auth import Authenticate
from kit.caller import Caller
from kit.idempotency import idempotency_key
from kit.openapi import problems
from schemas.dto import Dto
from schemas.text import Text

SONGS, CURRENT = "POST /api/songs", "POST /api/songs/current"
_TWO: list[dict[str, Any]] = [
    {"id": "ast_0198c0de000070008000000000000001", "version": 3},
    {"id": "ast_0198c0de000070008000000000000002", "version": 7},
]


class OfSong(Named):
    """`song` as `GET /api/assets/{id}/versions` names it; the id of the track itself makes it a
    song of its own, null leaves it to its title and artist.
    """

    song: Annotated[str, Text(410)] | None


class ChooseSongs(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"assets": [{**each, "song": "night bus / ada okoye"} for each in _TWO]},
                {"assets": [{**_TWO[0], "song": _TWO[0]["id"]}]},
            ]
        },
    )

    assets: EachOnce[OfSong]


class ChooseCurrent(BaseModel):
    """`instead_of` is the version that is current now."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"asset": _TWO[0], "instead_of": _TWO[1]}]},
    )

    asset: Named
    instead_of: Named

    @model_validator(mode="after")
    def _two(self) -> ChooseCurrent:
        if self.asset.id == self.instead_of.id:
            raise ValueError("instead_of is another asset")
        return self


class UndoOfSong(Dto):
    id: str
    version: int
    song: str | None


class UndoOfSongs(Dto):
    """Sent as it is to the same address, each track is of the song that it was of before."""

    assets: list[UndoOfSong]


class ChosenSongs(Dto):
    """`undo` is null in the answer to a repeated request, and where nothing was changed."""

    assets: list[ChangedAsset]
    undo: UndoOfSongs | None


class UndoOfCurrent(Dto):
    """Sent as it is to the same address, the version before is the current one again."""

    asset: ChangedAsset
    instead_of: ChangedAsset


class ChosenCurrent(Dto):
    assets: list[ChangedAsset]
    undo: UndoOfCurrent


class Songs(Bulk):
    """Changes several tracks, all of them or none, as all that is done to many at once."""

    def choose(
        self, caller: Caller, command: ChooseSongs, key: str | None = None
    ) -> tuple[ChosenSongs, Committed]:
        """Raises SomeAssetsRefuse (409): then all stay in their songs."""
        unit = self._unit(caller, SONGS, key, command)
        if first := unit.once():
            return ChosenSongs(assets=self._now(command.assets), undo=None), first
        before = self._own(caller, command.assets, verified=True)
        said = {each.id: each.song for each in command.assets}

        def stage(one: Named) -> None:
            unit.change_at(
                one.version,
                asset,
                AssetId(one.id),
                versions.choose_song,
                chosen_by=AccountId(caller.account_id),
                song=said[one.id],
            )

        committed = self._commit(unit, caller, command.assets, stage, verified=True)
        now = self._now(command.assets)
        undo = [
            UndoOfSong(id=after.id, version=after.version, song=before[after.id].song)
            for after in now
            if before[after.id].song != said[after.id]
        ]
        return ChosenSongs(assets=now, undo=UndoOfSongs(assets=undo) if undo else None), committed

    def choose_current(
        self, caller: Caller, command: ChooseCurrent, key: str | None = None
    ) -> tuple[ChosenCurrent, Committed]:
        """Raises SomeAssetsRefuse (409): then the current version stays."""
        named = [command.asset, command.instead_of]
        unit = self._unit(caller, CURRENT, key, command)
        committed = unit.once()
        if committed is None:
            self._own(caller, named, verified=True)

            def stage(one: Named) -> None:
                unit.change_at(
                    one.version,
                    asset,
                    AssetId(one.id),
                    versions.choose_current,
                    chosen_by=AccountId(caller.account_id),
                    current=one is command.asset,
                )

            committed = self._commit(unit, caller, named, stage, verified=True)
        now = self._now(named)
        return (
            ChosenCurrent(assets=now, undo=UndoOfCurrent(asset=now[1], instead_of=now[0])),
            committed,
        )


def router(songs: Songs, authenticated: Authenticate) -> APIRouter:
    routes = APIRouter(prefix="/api/songs", tags=["songs"])
    writer = Depends(authenticated("assets:write"))
    refusing: dict[int | str, dict[str, Any]] = problems(401, 403, 409, 422, 429, 503)

    @routes.post("", operation_id="chooseSongs", responses=refusing)
    def choose_songs(
        command: ChooseSongs,
        response: Response,
        caller: Caller = writer,
        key: str | None = Depends(idempotency_key),
    ) -> ChosenSongs:
        """Say which songs up to 200 assets are versions of, all or none: with one `song` they are
        one song, and no later title parts them. `undo` in the answer takes it back.
        """
        chosen, committed = songs.choose(caller, command, key)
        answer(response, committed)
        return chosen

    @routes.post("/current", operation_id="chooseCurrentVersion", responses=refusing)
    def choose_current(
        command: ChooseCurrent,
        response: Response,
        caller: Caller = writer,
        key: str | None = Depends(idempotency_key),
    ) -> ChosenCurrent:
        """Make one version the current one of its song, in the place of another; of two who choose
        at once one is refused. `undo` in the answer takes it back.
        """
        chosen, committed = songs.choose_current(caller, command, key)
        answer(response, committed)
        return chosen

    return routes
