"""Personal values never reach the log in plain, and only open where they were sealed."""

from __future__ import annotations

import base64
import json

import psycopg
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg_pool import ConnectionPool

from commands.unit import CommandContext, Commands
from events.account.account import AccountRegistered
from events.ids import AccountId, CommandId, CorrelationId, WorkspaceId
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from tests.conftest import Database


@pytest.fixture
def registered(log: PostgresLog, pool: ConnectionPool, codec: EventCodec) -> AccountId:
    from aggregates.account import account

    account_id, workspace_id = AccountId.new(), WorkspaceId.new()
    unit = Commands(log, pool, codec, b"k" * 32).unit(
        CommandContext(account_id, workspace_id, CommandId.new(), CorrelationId.new()), input={}
    )
    unit.start(
        account,
        account_id,
        account.register,
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
    registered: AccountId, log: PostgresLog, codec: EventCodec, database: Database
):
    with psycopg.connect(database.owner_url) as connection:
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


def test_a_ciphertext_moved_to_another_stream_or_workspace_does_not_open(
    registered: AccountId, log: PostgresLog, codec: EventCodec
):
    """A record with one workspace's ciphertext and another's id was read into the other vault."""
    envelope, elsewhere = log.events.after(0, 1)[0], WorkspaceId.new()
    for moved in ({"stream_id": AccountId.new()}, {"tenant": elsewhere}):
        with pytest.raises(ValueError, match="moved or changed"):
            codec.decode(envelope._replace(**moved))
    data = json.loads(envelope.data)
    for name in ("email", "name"):
        del data[name]["bound"]
    with pytest.raises(ValueError, match="moved or changed"):
        codec.decode(envelope._replace(data=json.dumps(data).encode()))
    data = json.loads(envelope.data) | {"workspace_id": elsewhere}
    with pytest.raises(ValueError, match="another workspace"):
        codec.decode(envelope._replace(data=json.dumps(data).encode()))


def test_what_was_sealed_before_streams_were_bound_still_opens(
    registered: AccountId, log: PostgresLog, codec: EventCodec
):
    envelope = log.events.after(0, 1)[0]
    data = json.loads(envelope.data)
    key = codec.keys.find(registered)
    assert key is not None
    nonce, aad = b"n" * 12, f"{registered}\x1f{envelope.event_id}\x1fname".encode()
    sealed = nonce + AESGCM(key).encrypt(nonce, b'"Ada"', aad)
    del data["name"]["bound"]
    data["name"]["ciphertext"] = base64.b64encode(sealed).decode()
    recorded = codec.decode(envelope._replace(data=json.dumps(data).encode()))
    assert recorded is not None
    assert recorded.data.name == "Ada"
