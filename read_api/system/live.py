"""Live events: one thread a process follows the log and wakes those whose workspace it concerns.

The same thread ends the streams of sessions and keys that have ended: one query for all of them
twice a second, so that nobody hears more for longer than that, whatever ended them and wherever.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from kit.places import Place, Places
from read_api.errors import StreamsFull, TooManyStreams

log = logging.getLogger(__name__)
MAX_STREAMS_PER_WORKSPACE = 50
PAGE = 500
# 5,000 streams are 5,000 look-ups in an index.
LOOK_S = 0.5


class Entry(Protocol):
    """`events.envelope.Envelope`"""

    @property
    def position(self) -> int: ...

    @property
    def type(self) -> str: ...

    @property
    def tenant(self) -> str: ...

    def to_json(self) -> dict[str, Any]: ...


class Tail(Protocol):
    """`events.log.tail.LogTail`"""

    def wait(self, position: int, timeout_s: float) -> object:
        """Returns when the log is beyond `position`, or after the timeout."""
        ...


class ReadLog(Protocol):
    """The log by position; within one workspace if `tenant` is named."""

    def __call__(self, after: int, limit: int, tenant: str | None) -> Sequence[Entry]: ...


@dataclass(eq=False)
class Subscription:
    """`holder` is the session or key that the stream was opened with."""

    workspace_id: str
    holder: str
    loop: asyncio.AbstractEventLoop
    news: asyncio.Event = field(default_factory=asyncio.Event)
    ended: bool = False

    def wake(self) -> None:
        # The loop may have ended with its server meanwhile: then nobody waits.
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self.news.set)


class LiveFeed:
    """A thousand idle streams cost one reader: a stream asks the database only when it has news.

    `head()` gives the log's last position, `living(holders)` those that have not ended. Nothing
    runs while nobody listens.
    """

    def __init__(
        self,
        tail: Tail,
        head: Callable[[], int],
        read: ReadLog,
        living: Callable[[Sequence[str]], Collection[str]],
        *,
        most: int = 2_000,
        of_network: int = 500,
    ) -> None:
        """`most` streams at once, so many of them of one network."""
        self._tail, self.head, self._read, self._living = tail, head, read, living
        self._places, self._of_network = Places(most, StreamsFull), of_network
        self._lock = threading.Lock()
        self._subscriptions: set[Subscription] = set()
        self._following = self._closed = False
        self._position = 0

    def admit(self, workspace_id: str, network: str) -> Place:
        """A place for one stream. Raises TooManyStreams (429), StreamsFull (503)."""
        of_workspace = partial(TooManyStreams, "workspace", MAX_STREAMS_PER_WORKSPACE)
        of_network = partial(TooManyStreams, "network", self._of_network)
        return self._places.take(
            {
                f"workspace {workspace_id}": (MAX_STREAMS_PER_WORKSPACE, of_workspace),
                f"network {network}": (self._of_network, of_network),
            }
        )

    def close(self) -> None:
        """Ends every stream: a server that stops need not wait for its listeners."""
        with self._lock:
            self._closed, listening = True, list(self._subscriptions)
        for subscription in listening:
            subscription.wake()

    async def events(
        self, workspace_id: str, holder: str, after: int | None, idle_s: float
    ) -> AsyncGenerator[list[Entry], None]:
        """Batches in position order, from behind `after` (None: from now on); empty when idle.

        Ends with its holder, and when the feed is closed. Holds no database connection while it
        waits.
        """
        subscription = Subscription(workspace_id, holder, asyncio.get_running_loop())
        now = await asyncio.to_thread(self._subscribe, subscription)
        position = now if after is None else after
        try:
            while not self._closed and not subscription.ended:
                subscription.news.clear()
                # Committed before the read below: it leaves out only what concerns others.
                followed_to = self._position
                batch = await asyncio.to_thread(self._read, position, PAGE, workspace_id)
                if subscription.ended:
                    return
                if batch:
                    position = batch[-1].position
                    yield list(batch)
                    if len(batch) == PAGE:
                        continue
                position = max(position, followed_to)
                try:
                    await asyncio.wait_for(subscription.news.wait(), idle_s)
                except TimeoutError:
                    yield []
        finally:
            self._unsubscribe(subscription)

    def _subscribe(self, subscription: Subscription) -> int:
        """The position from which on it will be woken."""
        with self._lock:
            if not self._following:
                self._position = self.head()
                self._following = True
                threading.Thread(target=self._follow, name="live-feed", daemon=True).start()
            self._subscriptions.add(subscription)
            return self._position

    def _unsubscribe(self, subscription: Subscription) -> None:
        with self._lock:
            self._subscriptions.discard(subscription)

    def _follow(self) -> None:
        looked = 0.0
        while True:
            with self._lock:
                if self._closed or not self._subscriptions:
                    self._following = False
                    return
            try:
                if time.monotonic() - looked >= LOOK_S:
                    self._end_streams_of_the_ended()
                    looked = time.monotonic()
                self._tail.wait(self._position, LOOK_S)
                self._tell(self._read(self._position, PAGE, None))
            except Exception:
                log.warning("the live feed cannot read the log, trying again", exc_info=True)
                threading.Event().wait(1.0)

    def _tell(self, batch: Sequence[Entry]) -> None:
        if not batch:
            return
        concerned = {envelope.tenant for envelope in batch}
        self._position = batch[-1].position
        with self._lock:
            woken = [each for each in self._subscriptions if each.workspace_id in concerned]
        for subscription in woken:
            subscription.wake()

    def _end_streams_of_the_ended(self) -> None:
        with self._lock:
            listening = list(self._subscriptions)
        living = self._living(sorted({each.holder for each in listening}))
        for subscription in listening:
            if subscription.holder not in living:
                subscription.ended = True
                subscription.wake()
