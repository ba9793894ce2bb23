"""The log page by page: while the relay publishes one, the next is read in another thread."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from events.log.outgoing import OutgoingRecord, OutgoingRecords


class ReadAhead:
    """Used by one thread. A full page means that there is more, so the next is asked for at once;
    at the end of the log nothing is read before it is wanted.
    """

    def __init__(self, log: OutgoingRecords, page: int) -> None:
        self._log, self._page = log, page
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        self._next: tuple[int, Future[list[OutgoingRecord]]] | None = None

    def after(self, position: int) -> Sequence[OutgoingRecord]:
        """The next records behind `position`, at most a page. Raises psycopg's errors."""
        asked, self._next = self._next, None
        if asked and asked[0] == position:
            records = asked[1].result()
        else:
            records = self._log.after(position, self._page)
        if len(records) == self._page:
            last = records[-1].position
            self._next = last, self._thread.submit(self._log.after, last, self._page)
        return records

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
