"""Lets kafka-python's readers wait long, without making anybody wait for them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from kafka import KafkaConsumer
from kafka.errors import KafkaTimeoutError
from kafka.util import Timer

Fetched = dict[Any, list[Any]]


class Woken(KafkaTimeoutError):  # type: ignore[misc]
    """Ends a wait inside the client, which takes it for the end of its time."""

    def __init__(self) -> None:
        super().__init__("woken")


class WakefulConsumer(KafkaConsumer):  # type: ignore[misc]
    """A consumer whose `poll` also ends when the group has something to say, or `wake` is called.

    Each fetch costs client and broker 1.1 ms of work, and seventeen readers that asked four times a
    second took 12 % of a core to learn that nothing had happened. A fetch that waits for long is
    answered as soon as there is a record; what else must not wait for it is done here. Needs names
    of kafka-python 3.0.12 that are not public.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._waiting = False
        # A heartbeat brings the news of a rebalance to the client's own thread.
        for name in ("request_rejoin", "reset_generation"):
            setattr(self._coordinator, name, self._waking(getattr(self._coordinator, name)))

    def poll_until(self, timeout_s: float, limit: int, ended: Callable[[], bool]) -> Fetched:
        """Like `poll`, and empty as soon as `ended`: looked at after each wait, of which `wake`
        ends the one that is under way.
        """
        timer = Timer(int(timeout_s * 1000))
        self._waiting = True
        try:
            while not ended():
                # The step below joins as well, but then goes on to wait for records.
                if self._coordinator.need_rejoin():
                    self._coordinator.poll(timeout_ms=timer.timeout_ms)
                    if ended():
                        break
                self._take_up_what_was_held()
                fetched: Fetched = {}
                # Where it asks for offsets it lets the end of its time out, which is no error here.
                with suppress(Woken):
                    fetched = self._poll_once(timer, limit)
                if fetched or timer.expired:
                    return fetched
            return {}
        finally:
            self._waiting = False

    def wake(self) -> None:
        """From any thread: the wait that is under way ends as if its time were over."""
        if self._waiting:
            self._net._fail_pending_waiters(Woken())

    def forget_fetches(self) -> None:
        """Give up what was asked of the brokers, for partitions or offsets have changed: a broker
        answers one request of a connection after the other.
        """
        if self._fetcher._nodes_with_pending_fetch_requests:
            self._manager.run(self._close_fetching)

    def _take_up_what_was_held(self) -> None:
        """Makes room for what is left of a fetch, which the client keeps aside while its partition
        is paused. It gives it out again only where nothing stands in its place, and a fetch that is
        read to its end stands there for ever (kafka-python 3.0.12): each pause left one more
        partition behind.
        """
        if not self._fetcher._next_partition_records:
            self._fetcher._next_partition_records = None

    def _close_fetching(self) -> None:
        for node in list(self._fetcher._nodes_with_pending_fetch_requests):
            self._manager.close(node)

    def _waking(self, change: Callable[..., None]) -> Callable[..., None]:
        def changed(*arguments: Any, **named: Any) -> None:
            change(*arguments, **named)
            self.wake()

        return changed
