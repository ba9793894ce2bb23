"""One LISTEN per process: which consumers have moved, for those who wait for one."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import psycopg

log = logging.getLogger(__name__)
# The payload names the consumers, with commas; it is empty for the relay, which moves them all.
CHANNEL = "noculture_progress"
# Postgres takes a payload of less than 8,000 bytes.
PAYLOAD_BYTES = 7_000
POLL_S = 0.25


def told_of(names: Iterable[str]) -> Iterator[str]:
    """Payloads that tell of these consumers: one, but for very many of them."""
    payload = ""
    for name in names:
        if payload and len(payload) + len(name) >= PAYLOAD_BYTES:
            yield payload
            payload = ""
        payload = f"{payload},{name}" if payload else name
    if payload:
        yield payload


class ProgressTail:
    """Listens from the first `moves` on, until `close`. `url` is a direct DSN. Thread-safe."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._moved = threading.Condition()
        self._moves: dict[str, int] = defaultdict(int)
        self._listeners: dict[str, dict[object, Callable[[], None]]] = defaultdict(dict)
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()

    def moves(self, name: str) -> int:
        """How often this consumer has been heard of, the relay included."""
        with self._moved:
            self._start()
            return self._moves[name] + self._moves[""]

    @contextmanager
    def telling(self, name: str, wake: Callable[[], None]) -> Iterator[None]:
        """While the block runs `wake` is called, on the tail's thread, whenever it is heard of."""
        me = object()
        with self._moved:
            self._start()
            self._listeners[name][me] = wake
        try:
            yield
        finally:
            with self._moved:
                del self._listeners[name][me]

    def wait(self, name: str, moves: int, timeout_s: float) -> None:
        """Until it is heard of again; what was said before somebody listened is never heard, so
        look at the database now and then.
        """
        with self._moved:
            self._moved.wait_for(
                lambda: self._moves[name] + self._moves[""] != moves or self._closing.is_set(),
                timeout_s,
            )

    def close(self) -> None:
        self._closing.set()
        with self._moved:
            self._moved.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="progress-tail", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                with psycopg.connect(self._url, autocommit=True) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    while not self._closing.is_set():
                        # Messages of one packet wake their waiters once.
                        for said in connection.notifies(timeout=POLL_S, stop_after=1):
                            self._hear(said.payload)
            except Exception as error:
                # Any error is survived: without this thread no waiter would be woken any more.
                log.warning("the consumers' tail begins anew: %s", error)
                self._closing.wait(0.5)

    def _hear(self, payload: str) -> None:
        names = payload.split(",")
        with self._moved:
            for name in names:
                self._moves[name] += 1
            self._moved.notify_all()
            heard = [self._listeners[name] for name in names if name in self._listeners]
            heard = heard if payload else list(self._listeners.values())
            waking = [wake for listeners in heard for wake in listeners.values()]
        for wake in waking:
            try:
                wake()
            except Exception as error:
                # One that waits in an event loop that has ended, for instance.
                log.warning("somebody who waits for %s was not woken: %s", payload, error)
