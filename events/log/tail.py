"""One LISTEN per process: tells every waiting thread that the log is longer."""

from __future__ import annotations

import logging
import threading
import time

import psycopg

log = logging.getLogger(__name__)
CHANNEL = "noculture_log"
# A lost notification costs at most this.
POLL_S = 0.25


class LogTail:
    """Knows the store's head within milliseconds. `url` is a direct DSN: a transaction pooler drops
    LISTEN.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._moved = threading.Condition()
        self._head = 0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log-tail", daemon=True)
        self._thread.start()

    @property
    def head(self) -> int:
        return self._head

    def wait(self, position: int, timeout_s: float) -> int:
        """Block until the head is beyond `position` or the time is over; answers the head."""
        with self._moved:
            self._moved.wait_for(lambda: self._head > position or self._closing.is_set(), timeout_s)
        return self._head

    def close(self) -> None:
        self._closing.set()
        with self._moved:
            self._moved.notify_all()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                with psycopg.connect(self._url, autocommit=True) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    while not self._closing.is_set():
                        self._look(connection)
                        list(connection.notifies(timeout=POLL_S, stop_after=1))
            except Exception as error:
                # Any error is survived: without this thread no waiter would be woken any more.
                log.warning("the log's tail begins anew: %s", error)
                self._closing.wait(0.5)

    def _look(self, connection: psycopg.Connection[tuple[int | None]]) -> None:
        row = connection.execute("SELECT max(position) FROM events").fetchone()
        head = (row and row[0]) or 0
        if head != self._head:
            with self._moved:
                self._head = head
                self._moved.notify_all()
            # Under load one look answers for all notifications of these milliseconds.
            time.sleep(0.002)
