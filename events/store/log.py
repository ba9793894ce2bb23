"""The log as writers and readers hold it: append through the group, read, wake the readers."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

import psycopg
from psycopg_pool import ConnectionPool

from events.claims import Claim
from events.clock import Clock, MachineClock
from events.store.group import GroupCommitter
from events.store.pending import Append, Committed
from events.store.postgres import Connection, PostgresEvents, Verdict, append_in, holder_of
from events.tracing import hop

log = logging.getLogger(__name__)
CHANNEL = "noculture_log"
# A stopped or hanging process must not freeze the others' appends: inside a transaction the server
# waits 5 s for its next word, and as long for it to take an answer (a stopped process still
# acknowledges, but takes nothing). A statement whose sender is gone ends within a second.
SESSION = (
    "-c lock_timeout=3s -c idle_in_transaction_session_timeout=5s -c tcp_user_timeout=5s"
    " -c client_connection_check_interval=1s"
)
NOTIFY_GAP_S = 0.005


class PostgresLog:
    """`url` is a direct DSN of the app role: NOTIFY and the lock want a session, not a pooler.

    `clock` gives the time at which what is appended counts, and by which timers are due.
    """

    def __init__(self, url: str, pool: ConnectionPool, clock: Clock | None = None) -> None:
        self._url = url
        self.clock: Clock = clock or MachineClock()
        self.events = PostgresEvents(pool)
        self._waker = _Waker(url)
        self._group = GroupCommitter(self._connect, self._waker.wake)

    def append(self, append: Append) -> Committed:
        """Commit with the next group. Raises the append's typed error or StoreBusy (503)."""
        with hop("append", (append.correlation_id,), events=len(append.events)):
            return self._group.append(append)

    def append_in(self, connection: Connection, appends: Sequence[Append]) -> list[Verdict]:
        """Inside the caller's transaction, as its last statement but `holder_of`; call `wake` after
        the commit.
        """
        with hop("append", (append.correlation_id for append in appends)):
            return append_in(connection, appends)

    def holder_of(self, connection: Connection, tenant: str, claim: Claim) -> str | None:
        """Right behind `append_in` in its transaction: the answer is true until the commit."""
        return holder_of(connection, tenant, claim)

    def observe(self, observe: Callable[[int, float, bool], None]) -> None:
        """Call this with (appends, seconds, busy) after every group."""
        self._group.observe = observe

    @property
    def waiting(self) -> int:
        """Appends that wait for their group."""
        return self._group.waiting

    def wake(self) -> None:
        """Tell waiting readers that the log is longer."""
        self._waker.wake()

    def close(self) -> None:
        self._group.close()
        self._waker.close()

    def _connect(self) -> Connection:
        return psycopg.connect(self._url, autocommit=True, options=SESSION)


class _Waker:
    """NOTIFY after commits, coalesced, on its own connection.

    Inside the append's transaction it would take a global lock: 463 instead of 2,752 appends/s
    measured.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._due = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="log-waker", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        self._due.set()

    def close(self) -> None:
        self._stopping = True
        self._due.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        connection: Connection | None = None
        while True:
            self._due.wait()
            self._due.clear()
            if self._stopping:
                break
            try:
                if connection is None or connection.closed:
                    # A NOTIFY need not outlive a crash, so it gets no fsync of its own.
                    connection = psycopg.connect(
                        self._url, autocommit=True, options="-c synchronous_commit=off"
                    )
                connection.execute(f"NOTIFY {CHANNEL}")
                # The first wakes at once; a NOTIFY for each of 700 groups a second would cost as
                # much as their commits do.
                time.sleep(NOTIFY_GAP_S)
            except Exception as error:
                # Readers poll as well: a lost wake-up costs them 250 ms, not an event.
                log.warning("could not wake readers: %s", error)
                if connection is not None:
                    connection.close()
        if connection is not None:
            connection.close()
