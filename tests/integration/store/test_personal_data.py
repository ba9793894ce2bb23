"""Personal values never reach the log in plain, and only open where they were sealed."""

from __future__ import annotations

import json

import pytest
from psycopg_pool import ConnectionPool

from commands.unit import CommandContext, Commands
from events.account import AccountRegistered
from events.ids import AccountId, CommandId, CorrelationId, WorkspaceId
from events.store.codec import EventCodec
from events.store.log import PostgresLog


@pytest.fixture
def registered(log: PostgresLog, pool: ConnectionPool, codec: EventCodec) -> AccountId:
    from aggregates import account

    account_id, workspace_id = AccountId.new(), WorkspaceId.new()
    unit = Commands(log, pool, codec, b"k" * 32).unit(
        CommandContext(account_id, workspace_id, CommandId.new(), CorrelationId.new()), input={}
    )
    unit.start(
        account,
        account_id,
        account.register,
        account_id=account_id,
        workspace_id=workspace_id,
        email="canary@example.org",
        name="Canary Jones",
        email_key="hmac",
        founder=False,
    )
    unit.commit()
    return account_id


def test_the_stored_bytes_hold_no_plain_personal_value(registered: AccountId, log: PostgresLog):
    stored = log.events.after(0, 1)[0].data
    assert b"canary" not in stored
    assert b"Canary" not in stored


def test_whoever_has_the_keys_reads_them(
    registered: AccountId, log: PostgresLog, codec: EventCodec
):
    recorded = codec.decode(log.events.after(0, 1)[0])
    assert recorded is not None
    assert isinstance(recorded.data, AccountRegistered)
    assert (recorded.data.email, recorded.data.name) == ("canary@example.org", "Canary Jones")


def test_without_the_subjects_key_they_read_as_none(
    registered: AccountId, log: PostgresLog, codec: EventCodec, pool: ConnectionPool
):
    with pool.connection() as connection:
        connection.execute("DELETE FROM subject_keys")
    codec._keys._cache.clear()
    recorded = codec.decode(log.events.after(0, 1)[0])
    assert recorded is not None
    assert recorded.data.email is None


def test_a_ciphertext_moved_to_another_field_or_event_does_not_open(
    registered: AccountId, log: PostgresLog, codec: EventCodec
):
    envelope = log.events.after(0, 1)[0]
    with pytest.raises(ValueError, match="moved or changed"):
        codec.decode(envelope._replace(event_id="evt_" + "0" * 32))
    data = json.loads(envelope.data)
    data["email"]["ciphertext"] = data["name"]["ciphertext"]
    with pytest.raises(ValueError, match="moved or changed"):
        codec.decode(envelope._replace(data=json.dumps(data).encode()))
