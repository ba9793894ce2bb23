"""Drops what processes remember of an erased person: in all of them, within a second."""

from __future__ import annotations

import logging
import threading

import psycopg

from commands.unit import Commands
from events.store.subject_keys import CACHE_S, PostgresSubjectKeys, erased_lately

log = logging.getLogger(__name__)
POLL_S = 1.0


class ErasureWatch:
    """A thread that looks for destroyed keys. One small query a second; `stop` ends it."""

    def __init__(self, keys: PostgresSubjectKeys, commands: Commands) -> None:
        self._keys, self._commands, self._pool = keys, commands, commands.pool
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="forgetting", daemon=True)
        self._thread.start()

    def look(self) -> None:
        """Drop keys and cached states of those erased lately."""
        # Twice the life of a cached key: what was read before cannot come in again after.
        for subject in erased_lately(self._pool, within_s=2 * CACHE_S):
            self._keys.forget(subject)
            self._commands.aggregates.forget_subject(subject)

    def stop(self) -> None:
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(POLL_S):
            try:
                self.look()
            except psycopg.Error as error:
                log.debug("looking for erased subjects again: %s", error)
            except Exception as error:
                # A thread that ended here would leave erased people in memory.
                log.warning("looking for erased subjects again: %s", type(error).__name__)
