"""Writes and looks in the transaction of an append: before it rows, behind it who holds a claim."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

from events.claims import Claim
from events.errors import NoCultureError
from events.model import Event
from events.money import MovesMoney, no_more_money_of
from events.store.log import PostgresLog
from events.store.pending import Append, Committed
from events.store.subject_keys import SubjectGone

# The session ended under the transaction (a server that stopped, ourselves stopped for too long),
# or it waited too long for the log: it may have been committed.
LOST = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.IdleInTransactionSessionTimeout,
)


class NotAsRead(Exception):
    """Rolls back: a row that was required is not as it was read."""

    def __init__(self, otherwise: NoCultureError) -> None:
        self.otherwise = otherwise


class Alongside:
    """Statements, and claims with their holders, each with the refusal that it stands for."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, Any, NoCultureError | None]] = []
        self._looks: list[tuple[Claim, str | None, NoCultureError]] = []

    def __bool__(self) -> bool:
        return bool(self._rows or self._looks)

    def write(self, statement: str, parameters: Any, otherwise: NoCultureError | None) -> None:
        self._rows.append((statement, parameters, otherwise))

    def look(self, claim: Claim, holder: str | None, otherwise: NoCultureError) -> None:
        """The claim must have this holder, or none."""
        self._looks.append((claim, holder, otherwise))

    def fence(self, events: Iterable[Event]) -> None:
        """Money of a person whose erasure was asked for is moved no more: SubjectGone (410)."""
        for event in events:
            if isinstance(event, MovesMoney):
                self.look(no_more_money_of(event.money_of), None, SubjectGone())

    def append(self, log: PostgresLog, pool: ConnectionPool, append: Append) -> Committed:
        """Commits all of it or nothing. Raises the append's typed error, the refusal of a claim
        that is not held as it must be, NotAsRead, or one of LOST.
        """
        with pool.connection() as connection:
            try:
                with connection.transaction():
                    for statement, parameters, missing in self._rows:
                        done = connection.execute(statement, parameters)
                        if missing is not None and done.rowcount == 0:
                            raise NotAsRead(missing)
                    verdict = log.append_in(connection, [append])[0]
                    if isinstance(verdict, Exception):
                        raise verdict
                    if verdict.replayed:
                        raise _AlreadyDone(verdict)
                    # Behind the append, which took the log's lock and had its own refusals first.
                    for claim, holder, otherwise in self._looks:
                        if log.holder_of(connection, append.tenant, claim) != holder:
                            raise otherwise
            except _AlreadyDone as done:
                return done.committed
        log.wake()
        return verdict


class _AlreadyDone(Exception):
    """Rolls back what was written alongside: the first commit of this command wrote it."""

    def __init__(self, committed: Committed) -> None:
        self.committed = committed
