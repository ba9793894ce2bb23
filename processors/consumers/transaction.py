"""One transaction with few journeys: BEGIN and COMMIT travel with the statements beside them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.pq import TransactionStatus

from processors.consumers.consumer import Connection


@contextmanager
def short_transaction(connection: Connection) -> Iterator[None]:
    """Commits at the end of the block, or rolls back and raises.

    Nothing waits for an answer before somebody reads it (`fetchone`, `fetchall`; not `rowcount`):
    an error of a statement whose answer nobody reads is raised at the end. While hundreds of
    commands a second are under way each journey to the database costs 3 ms, most of it waiting for
    a core.
    """
    try:
        with connection.pipeline():
            connection.execute("BEGIN")
            yield
            connection.execute("COMMIT")
    except BaseException:
        if not connection.closed and connection.info.transaction_status != TransactionStatus.IDLE:
            connection.rollback()
        raise
