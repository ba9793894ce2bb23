"""An owner of whom something cannot be digested is erased like everybody, and nothing is quoted."""

from __future__ import annotations

from typing import Any

import pytest

from aggregates.vault import asset
from commands.unit import CommandContext
from events.claims import Claim
from events.ids import AccountId, AssetId, CommandId, CorrelationId, EventId, WorkspaceId
from events.store.pending import Append, PendingEvent
from events.times import utc_now
from events.vault.asset import AssetUploaded
from processors.consumers.rows import TableRows
from projections.vault.vault import Vault
from tests.integration.account.erasure.house import House, eventually

CANARY = "canaryqx91"
SHA256 = "a" * 64


def forge(house: House, owner: Any) -> AssetId:
    """A recording of more bytes than the column holds, as no program of ours would append it."""
    asset_id, event_id = AssetId.new(), EventId.new()
    uploaded = AssetUploaded(
        asset_id=asset_id,
        workspace_id=WorkspaceId(owner.account["workspace_id"]),
        uploaded_by=AccountId(owner.account["id"]),
        filename=f"{CANARY}.wav",
        sha256=SHA256,
        size_bytes=10**30,
    )
    event = PendingEvent(
        event_id=event_id,
        stream_id=asset_id,
        stream_version=1,
        category="asset",
        type=uploaded.type,
        version=uploaded.version,
        effective_at=utc_now(),
        data=house.core.codec.encode(uploaded, event_id, asset_id, owner.account["workspace_id"]),
        takes=(Claim(asset.CONTENT_CLAIM, SHA256),),
    )
    context = CommandContext(
        owner.account["id"], owner.account["workspace_id"], CommandId.new(), CorrelationId.new()
    )
    house.core.log.append(
        Append(
            command_id=context.command_id,
            input_hash=b"i",
            actor=context.actor,
            tenant=context.tenant,
            correlation_id=context.correlation_id,
            causation_id=None,
            events=(event,),
        )
    )
    return asset_id


def parked(house: House) -> list[tuple[Any, ...]]:
    return house.rows("SELECT consumer, stream_id FROM parked_streams")


def test_an_owner_whose_stream_is_parked_is_certified_all_the_same(house: House):
    """It waited for an operator for ever, and the letter quoted the row."""
    with house.worker():
        ada = house.signed_up("ada@example.org")
        eventually(lambda: house.rows("SELECT 1 FROM consumers WHERE name = 'vault'"))
        asset_id = forge(house, ada)
        eventually(lambda: ("vault", asset_id) in parked(house))
        ((error,),) = house.rows("SELECT DISTINCT error FROM parked_streams")
        assert "NumericValueOutOfRange [22003]" in error
        letters = str(house.rows("SELECT error FROM dead_letters"))
        assert CANARY not in error + letters
        assert "000000" not in error + letters
        house.erased(house.erase(ada))
    assert parked(house) == []
    assert house.rows("SELECT 1 FROM dead_letters WHERE stream_id = %s", asset_id) == []
    assert CANARY not in str(house.rows("SELECT v::text FROM views.vault v"))


def test_where_the_deletion_itself_cannot_be_digested_the_operator_is_told(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    """The view would keep what it shows: only a corrected program can take it out."""
    fold = Vault.fold

    def broken(self: Vault, rows: TableRows, event: Any) -> None:
        if event.type == "asset.deleted":
            raise ValueError(f"cannot digest {CANARY}")
        fold(self, rows, event)

    with house.worker():
        ada = house.signed_up("ada@example.org")
        eventually(lambda: house.rows("SELECT 1 FROM consumers WHERE name = 'vault'"))
        monkeypatch.setattr(Vault, "fold", broken)
        ada.post("/api/assets", files={"file": ("a.wav", b"RIFF")})
        erasure_id = house.erase(ada)
        told = "SELECT error FROM effects WHERE effect = 'certify-erasure'"
        eventually(lambda: "waiting for vault" in str(house.rows(told)))
        assert "./noculture consumers" in str(house.rows(told))
        assert house.erasure(erasure_id)["certificate"] is None
        assert CANARY not in str(house.rows("SELECT error FROM parked_streams"))
        monkeypatch.setattr(Vault, "fold", fold)
        house.erased(erasure_id)
    assert parked(house) == []
