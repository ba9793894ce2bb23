"""Says in the rows of consumers why one waits for somebody, or that it works again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable

from psycopg_pool import ConnectionPool

from schemas.telling import safely
from schemas.text import storable

log = logging.getLogger(__name__)


class Reports:
    """Thread-safe. Who is well is said once, and again after a trouble."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
        self._lock = threading.Lock()
        self._well: set[str] = set()

    def stopped(self, names: Iterable[str], reason: str) -> None:
        """Never raises: whoever says it would end, and the consumer would stand still unsaid."""
        names = sorted(names)
        with self._lock:
            self._well -= set(names)
            try:
                self._write(names, reason)
            except Exception as error:
                log.warning("%s could not say why they stand: %s", names, safely(error))

    def well(self, names: Iterable[str]) -> None:
        """Raises what the database says."""
        with self._lock:
            if new := sorted(set(names) - self._well):
                self._write(new, None)
                self._well.update(new)

    def _write(self, names: list[str], reason: str | None) -> None:
        with self._pool.connection() as connection:
            connection.execute(
                "UPDATE consumers SET stopped = %s"
                " WHERE name = ANY(%s) AND stopped IS DISTINCT FROM %s",
                (storable(reason), names, storable(reason)),
            )
