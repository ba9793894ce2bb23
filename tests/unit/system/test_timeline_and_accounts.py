"""The folds of the timeline and of accounts."""

from __future__ import annotations

import json

from events.account.account import AccountRegistered, OperatorGranted, PasswordChanged
from events.ids import AccountId, AnalysisId, AssetId, IngestId, WorkspaceId
from events.saga_step import SagaInput
from events.vault.asset import AssetUploaded
from events.vault.ingest import IngestStepped
from projections.account.accounts import Accounts
from projections.system.timeline import Timeline
from runtime.areas import ALL
from schemas.examples import example_of
from tests.specification import projection, recorded
from tests.unit.vault.one_asset import ASSET, completed, requested, uploaded, verified

ACCOUNT, WORKSPACE = AccountId.new(), WorkspaceId.new()
registered = AccountRegistered(
    account_id=ACCOUNT, workspace_id=WORKSPACE, email="ada@example.org", name="Ada"
)
stepped = IngestStepped(
    input=SagaInput(kind="event", name="asset.uploaded", reference="evt_1"),
    state="probing",
    memory={},
    sent=(),
    timers=(),
)
TIMELINE = Timeline(ALL.told)


def test_an_asset_its_analysis_and_its_ingest_share_one_timeline():
    ingest = recorded(stepped, stream_id=IngestId.beside(ASSET))
    rows = projection(TIMELINE).given(uploaded, ingest, verified, requested, completed).rows()
    assert [row["asset_id"] for row in rows.values()] == [ASSET] * 5
    assert [row["stream_id"] for row in rows.values()] == [
        ASSET,
        IngestId.beside(ASSET),
        ASSET,
        AnalysisId.beside(ASSET),
        AnalysisId.beside(ASSET),
    ]


def test_a_row_is_the_whole_envelope_with_its_data_as_stored():
    log = projection(TIMELINE).given(uploaded)
    envelope = log.log[0].envelope
    expected = envelope.to_json()
    row = log.rows()[1] | {"position": 1}
    assert row["data"] == envelope.data.decode()
    shown = {name: row[name] for name in expected.keys() - {"data", "recorded_at", "effective_at"}}
    assert shown == {name: expected[name] for name in shown}
    assert json.loads(row["data"]) == expected["data"]


def test_what_belongs_to_no_asset_is_in_the_workspaces_timeline_only():
    projection(TIMELINE).given(registered).then_rows(
        {1: {"asset_id": None, "tenant": WORKSPACE, "type": "account.registered"}}
    )


def test_measuring_a_vault_again_is_in_the_workspaces_timeline():
    asked = example_of("reanalysis.requested", 1)
    projection(TIMELINE).given(asked).then_rows(
        {1: {"asset_id": None, "type": "reanalysis.requested"}}
    )


def test_every_position_is_a_row_of_its_own_in_any_interleaving():
    other = AssetUploaded(**(uploaded.model_dump() | {"asset_id": AssetId.new()}))
    projection(TIMELINE).given(uploaded, other, verified, requested).in_any_interleaving()


def test_an_account_has_its_name_its_workspace_and_whose_data_it_is():
    projection(Accounts()).given(registered).then_row(
        ACCOUNT,
        workspace_id=WORKSPACE,
        email="ada@example.org",
        name="Ada",
        operator=False,
        subject_id=ACCOUNT,
    )


def test_operator_rights_change_nothing_else_of_an_account():
    projection(Accounts()).given(
        registered, PasswordChanged(account_id=ACCOUNT), OperatorGranted(account_id=ACCOUNT)
    ).then_row(ACCOUNT, operator=True, email="ada@example.org")
