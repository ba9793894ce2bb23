"""Tamper evidence: whatever is changed in the stored log, `log verify` names the position."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from events.claims import Claim
from events.ids import AssetId
from events.store.log import PostgresLog
from events.store.verify import verify
from tests.conftest import Database
from tests.integration.store.conftest import append_of, pending


@pytest.fixture
def owner(database: Database, log: PostgresLog) -> Iterator[psycopg.Connection]:
    """Nine events, the claim of position 5 still held."""
    for number in range(1, 10):
        takes = (Claim("content", "abc"),) if number == 5 else ()
        log.append(append_of(pending(AssetId.new(), 1, takes=takes, data=b'{"n": %d}' % number)))
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        yield connection


def test_an_untouched_log_verifies(owner: psycopg.Connection):
    verified = verify(owner)
    assert (verified.ok, verified.events, verified.head) == (True, 9, 9)


def test_a_command_that_wrote_several_streams_verifies(owner: psycopg.Connection, log: PostgresLog):
    one, other = AssetId.new(), AssetId.new()
    log.append(append_of(pending(one, 1), pending(other, 1), pending(one, 2), pending(other, 2)))
    log.append(append_of(pending(other, 3), pending(one, 3)))
    assert verify(owner).ok
    owner.execute(
        "UPDATE commands SET stream_id = %s, stream_version = 2 WHERE position = 13", (other,)
    )
    assert verify(owner).position == 10


def test_the_first_of_several_wrong_positions_is_named(owner: psycopg.Connection):
    owner.execute("UPDATE events SET actor = 'acc_x' WHERE position = 7")
    owner.execute("UPDATE commands SET input_hash = 'j' WHERE position = 3")
    assert verify(owner).position == 3


@pytest.mark.parametrize(
    ("tampering", "position"),
    [
        ("UPDATE events SET data = set_byte(data, 2, 90) WHERE position = 4", 4),
        ("UPDATE events SET actor = 'acc_x' WHERE position = 3", 3),
        ("UPDATE events SET recorded_at = recorded_at + '1 microsecond' WHERE position = 6", 6),
        ("UPDATE events SET tenant = 'wsp_x' WHERE position = 1", 1),
        ("UPDATE events SET leaf = hash WHERE position = 2", 2),
        ("UPDATE events SET hash = leaf WHERE position = 9", 9),
        ("DELETE FROM events WHERE position = 7", 7),
        (
            "UPDATE events a SET data = b.data, leaf = b.leaf FROM events b"
            " WHERE (a.position, b.position) IN ((3, 4), (4, 3))",
            3,
        ),
        ("UPDATE claims SET stream_id = 'ast_x'", 5),
        ("DELETE FROM claims", 5),
        ("UPDATE events SET claims = NULL WHERE position = 5", 5),
        ("UPDATE events SET claims = set_byte(claims, 3, 90) WHERE position = 5", 5),
        ("UPDATE events SET correlation_id = 'cor_x' WHERE position = 8", 8),
        ("UPDATE events SET effective_at = effective_at - '1 day'::interval WHERE position = 2", 2),
        ("UPDATE events SET input_hash = 'j' WHERE position = 3", 3),
        ("UPDATE events SET leaf = substr(leaf, 2) WHERE position = 4", 4),
        ("UPDATE commands SET input_hash = 'j' WHERE position = 6", 6),
        ("UPDATE commands SET stream_id = 'ast_x' WHERE position = 6", 6),
        ("UPDATE commands SET stream_version = 2 WHERE position = 6", 6),
        ("UPDATE commands SET position = 8 WHERE position = 6", 6),
        ("DELETE FROM commands WHERE position = 2", 2),
        ("INSERT INTO commands VALUES ('cmd_x', 'i', 'ast_x', 1, 7)", 7),
        ("DELETE FROM events WHERE position > 7", 8),
    ],
)
def test_tampering_is_named_at_its_position(
    owner: psycopg.Connection, tampering: str, position: int
):
    owner.execute(tampering)
    verified = verify(owner)
    assert not verified.ok
    assert verified.position == position
    assert verified.reason
