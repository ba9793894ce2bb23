"""Is what a consumer was given what the store holds? After a restore Kafka may hold more, or other
events, and a saga that acted on one of them could not be taken back.
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg_pool import ConnectionPool

from events.log.errors import LogAhead, LogDiffers
from events.log.partitions import STORE
from events.log.port import LogItem
from processors.consumers.consumer import Connection


def require_stored(connection: Connection, items: Sequence[LogItem]) -> None:
    """Lets the transaction fail with NC003 if the store does not hold the last of them, whose hash
    is made of all before; `require_same_log` then says why. Nothing waits for the answer.
    """
    newest = max(items, key=lambda item: item.checkpoint.position)
    if newest.partition != STORE:
        connection.execute(
            "SELECT require((SELECT hash FROM events WHERE position = %s) = %s, 'NC003')",
            (newest.checkpoint.position, newest.envelope.hash),
        )


def require_same_log(pool: ConnectionPool, items: Sequence[LogItem]) -> None:
    """Raises LogAhead or LogDiffers. The last event speaks for all: its hash is made of theirs."""
    newest = max(items, key=lambda item: item.checkpoint.position)
    if newest.partition == STORE:
        return
    position, where = newest.checkpoint.position, str(newest.partition)
    with pool.connection() as connection:
        row = connection.execute(
            "SELECT (SELECT max(position) FROM events),"
            " (SELECT hash FROM events WHERE position = %s)",
            (position,),
        ).fetchone()
    head, stored = row or (0, None)
    if stored is None:
        raise LogAhead(where, position, head or 0)
    if stored != newest.envelope.hash:
        raise LogDiffers(where, f"another event at position {position}")
