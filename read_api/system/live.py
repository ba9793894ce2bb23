"""Live events: one thread a process follows the log and wakes those whose workspace it concerns,
and those with whom something of that workspace is shared.

The same thread ends the streams of sessions and keys that have ended: one query for all of them
twice a second, so that nobody hears more for longer than that, whatever ended them and wherever.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
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
# How soon a stream looks again whose next events wait for the view of the grants.
SETTLING_S = 0.02


class Entry(Protocol):
    """`events.envelope.Envelope`"""

    @property
    def position(self) -> int: ...

    @property
    def type(self) -> str: ...

    @property
    def tenant(self) -> str: ...

    @property
    def stream_id(self) -> str: ...

    def to_json(self) -> dict[str, Any]: ...


class Tail(Protocol):
    """`events.log.tail.LogTail`"""

    def wait(self, position: int, timeout_s: float) -> object:
        """Returns when the log is beyond `position`, or after the timeout."""
        ...


class ReadLog(Protocol):
    """The log by position; within one workspace if `tenant` is named."""

    def __call__(self, after: int, limit: int, tenant: str | None) -> Sequence[Entry]: ...


class Foreign(Protocol):
    """Events of other workspaces' things: `read_api.system.shared_events.SharedEvents`"""

    def behind(self, account_id: str, after: int, to: int, limit: int) -> Sequence[Entry]: ...

    def settled(self) -> int | None: ...

    def ways(self, account_id: str) -> Mapping[str, str]: ...

    def named_by(self, entry: Entry) -> str | None: ...

    def ends_all(self, entry: Entry) -> bool: ...


@dataclass(eq=False)
class Subscription:
    """`holder` is the session or key that the stream was opened with. `ways` are streams through
    which something is shared with the account, each with its workspace; `news_of_rights` are events
    that give it a right or take one, until they are told.
    """

    account_id: str
    workspace_id: str
    holder: str
    loop: asyncio.AbstractEventLoop
    ways: Mapping[str, str] = field(default_factory=dict)
    news_of_rights: list[Entry] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    ended: bool = False

    def wake(self) -> None:
        # The loop may have ended with its server meanwhile: then nobody waits.
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self.news.set)


@dataclass(frozen=True, slots=True)
class Heard:
    """`more` where the page was full, `settling` where something waits for the grants."""

    batch: list[Entry]
    complete_to: int
    more: bool
    settling: bool


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
        foreign: Foreign | None = None,
        most: int = 2_000,
        of_network: int = 500,
    ) -> None:
        """`most` streams at once, so many of them of one network. Without `foreign` each hears of
        its own workspace only.
        """
        self._foreign = foreign
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
        self, account_id: str, workspace_id: str, holder: str, after: int | None, idle_s: float
    ) -> AsyncGenerator[list[Entry], None]:
        """Batches in position order, from behind `after` (None: from now on); empty when idle.

        Ends with its holder, and when the feed is closed. Holds no database connection while it
        waits.
        """
        loop = asyncio.get_running_loop()
        subscription = Subscription(account_id, workspace_id, holder, loop)
        now = await asyncio.to_thread(self._subscribe, subscription)
        position = now if after is None else after
        try:
            while not self._closed and not subscription.ended:
                subscription.news.clear()
                heard = await asyncio.to_thread(self._hear, subscription, position)
                if subscription.ended:
                    return
                position = max(position, heard.complete_to)
                if heard.batch:
                    yield heard.batch
                if heard.more:
                    continue
                try:
                    wait_s = SETTLING_S if heard.settling else idle_s
                    await asyncio.wait_for(subscription.news.wait(), wait_s)
                except TimeoutError:
                    if not heard.settling:
                        yield []
        finally:
            self._unsubscribe(subscription)

    def _hear(self, subscription: Subscription, position: int) -> Heard:
        """All that there is for the stream behind a position. What others share is told as far as
        the view of the grants has folded, and own events wait for it: no position is told behind
        a greater one, which readers would pass over.
        """
        # Looked at before the log is read: what is complete to here concerns others, or is read.
        followed_to = to = self._position
        theirs: Sequence[Entry] = ()
        if self._foreign is not None:
            account_id = subscription.account_id
            subscription.ways = self._foreign.ways(account_id)
            named = list(subscription.news_of_rights)
            settled = self._foreign.settled() if subscription.ways or named else None
            if settled is not None:
                to = min(to, settled)
                theirs = self._foreign.behind(account_id, position, to, PAGE)
                if len(theirs) == PAGE:
                    to = theirs[-1].position
                theirs = [*theirs, *(each for each in named if each.position <= to)]
        own = self._read(position, PAGE, subscription.workspace_id)
        more = len(own) == PAGE or len(theirs) >= PAGE
        if len(own) == PAGE:
            to = min(to, own[-1].position)
        with self._lock:
            later = [each for each in subscription.news_of_rights if each.position > to]
            subscription.news_of_rights = later
        found = {each.position: each for each in (*theirs, *own) if position < each.position <= to}
        batch = [found[each] for each in sorted(found)]
        return Heard(batch, to, more=more, settling=to < followed_to)

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
        named = self._naming(batch)
        with self._lock:
            woken = []
            for each in self._subscriptions:
                each.news_of_rights += named.get(each.account_id, ())
                each.news_of_rights += self._ending(batch, each)
                touched = each.workspace_id in concerned or concerned & {*each.ways.values()}
                if touched or each.news_of_rights:
                    woken.append(each)
            # Last: who looks at it finds what was told of rights before it.
            self._position = batch[-1].position
        for subscription in woken:
            subscription.wake()

    def _naming(self, batch: Sequence[Entry]) -> dict[str, list[Entry]]:
        """Events that give or take a right, by the account that they name."""
        found: dict[str, list[Entry]] = {}
        if self._foreign is not None:
            for each in batch:
                if account_id := self._foreign.named_by(each):
                    found.setdefault(account_id, []).append(each)
        return found

    def _ending(self, batch: Sequence[Entry], subscription: Subscription) -> list[Entry]:
        """Events that end all that was shared with the subscriber through their stream."""
        if self._foreign is None or not subscription.ways:
            return []
        ends_all = self._foreign.ends_all
        return [each for each in batch if each.stream_id in subscription.ways and ends_all(each)]

    def _end_streams_of_the_ended(self) -> None:
        with self._lock:
            listening = list(self._subscriptions)
        living = self._living(sorted({each.holder for each in listening}))
        for subscription in listening:
            if subscription.holder not in living:
                subscription.ended = True
                subscription.wake()
