"""A saga whose command's target lies in another workspace: each keeps its own tenant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from aggregates.vault import asset
from commands.command import Command
from commands.forwarding import Handlers
from commands.unit import CommandContext, Commands, Unit
from events.ids import AccountId, AssetId, CommandId, CorrelationId, IngestId, WorkspaceId
from events.model import Event
from events.vault.asset import AssetDeleted, AssetUploaded
from events.vault.ingest import IngestStepped
from processors.sagas.consumer import SagaConsumer
from processors.sagas.dispatcher import Dispatcher
from processors.wake import Wake
from sagas.saga import Ended, Happened, Input, Saga, Step
from tests.integration.sagas.ingests import WORKSPACE, Ingests

THEIRS, OWNER = WorkspaceId.new(), AccountId.new()


class RemoveCopy(Command, name="RemoveCopy", tenant="workspace_id"):
    workspace_id: WorkspaceId
    asset_id: AssetId


@dataclass(frozen=True)
class Removing:
    asset_id: str


def remove_copy(unit: Unit, command: RemoveCopy) -> None:
    unit.change(asset, command.asset_id, asset.delete, deleted_by=OWNER)


HANDLERS: Handlers = {"RemoveCopy": (RemoveCopy, remove_copy)}


def removing(first: AssetId, copy: AssetId) -> Saga:
    """Removes somebody else's copy once the first one is there, and ends when it is gone."""

    def react(state: Any, input: Input) -> Step | None:
        match state, input:
            case None, Happened(AssetUploaded(asset_id=asset_id)) if asset_id == first:
                return Step(Removing(copy), send=(RemoveCopy(workspace_id=THEIRS, asset_id=copy),))
            case Removing(), Happened(AssetDeleted()):
                return Step(Ended("removed"))
        return None

    def stream_of(event: Event) -> str:
        return IngestId.beside(first)

    return Saga(
        name="removing",
        version=1,
        categories=("asset",),
        stepped=IngestStepped,
        states={"Removing": Removing},
        watches=(AssetUploaded, AssetDeleted),
        stream_of=stream_of,
        react=react,
    )


def uploaded_elsewhere(commands: Commands) -> AssetId:
    asset_id = AssetId.new()
    context = CommandContext(OWNER, THEIRS, CommandId.new(), CorrelationId.new())
    unit = commands.unit(context, input={})
    unit.start(
        asset,
        asset_id,
        asset.upload,
        workspace_id=THEIRS,
        uploaded_by=OWNER,
        filename="a.wav",
        sha256="0" * 64,
        size_bytes=1,
    )
    unit.commit()
    return asset_id


def test_a_command_goes_to_its_targets_workspace_and_the_saga_stays_in_its_own(ingests: Ingests):
    copy, first = uploaded_elsewhere(ingests.commands), ingests.upload()
    saga = removing(first, copy)
    ingests.consumer = SagaConsumer(saga, ingests.log, ingests.codec, Wake())
    ingests.feed()
    dispatcher = Dispatcher(
        *(Commands(ingests.log, ingests.pool, ingests.codec, b"k" * 32), {"removing": saga}),
        *(HANDLERS, ingests.log, ingests.pool, ingests.codec, Wake()),
    )
    assert dispatcher.send_one()
    deleted = ingests.log.events.stream(copy)[-1]
    assert (deleted.type, deleted.tenant) == ("asset.deleted", THEIRS)
    ingests.feed()
    steps = ingests.log.events.stream(IngestId.beside(first))
    assert [step.to_json()["data"]["state"] for step in steps] == ["Removing", "Ended"]
    assert {step.tenant for step in steps} == {WORKSPACE}


def test_a_command_says_its_tenant_in_a_field_that_it_has():
    with pytest.raises(TypeError, match="does not have"):

        class Nowhere(Command, name="Nowhere", tenant="workspace_id"):
            asset_id: AssetId
