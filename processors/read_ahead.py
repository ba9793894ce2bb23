"""The log page by page: while the relay publishes one, the next is read in another thread."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from events.envelope import Envelope
from events.store.postgres import PostgresEvents


class ReadAhead:
    """Used by one thread. A full page means that there is more, so the next is asked for at once;
    at the end of the log nothing is read before it is wanted.
    """

    def __init__(self, store: PostgresEvents, page: int) -> None:
        self._store, self._page = store, page
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        self._next: tuple[int, Future[list[Envelope]]] | None = None

    def after(self, position: int) -> Sequence[Envelope]:
        """The next events behind `position`, at most a page. Raises psycopg's errors."""
        asked, self._next = self._next, None
        if asked and asked[0] == position:
            events = asked[1].result()
        else:
            events = self._store.after(position, self._page)
        if len(events) == self._page:
            last = events[-1].position
            self._next = last, self._thread.submit(self._store.after, last, self._page)
        return events

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
