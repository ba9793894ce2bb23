"""Counts who is connected, and chooses who has to go when there is no room."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from typing import Protocol

from kit.networks import Network
from runtime.serving.limits import Limits
from runtime.serving.refusals import TooManyConnections
from schemas.errors import NoCultureError

log = logging.getLogger(__name__)
TELL_EVERY_S = 60.0


class Connection(Protocol):
    """A connection as the doors see it; `protocol.GuardedProtocol` is one."""

    client: tuple[str, int] | None

    def waits_since(self, now: float) -> float | None:
        """Tells since when the connection waits for its client; None if the client waits for us."""

    def give_way(self) -> None: ...

    def look(self, now: float, elapsed_s: float) -> None: ...


class Doors:
    """Counts connections by address. When there is no room the one that has waited longest for its
    client makes place, so that half requests keep nobody out; only where all are at work is a new
    one refused.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.inside: set[Connection] = set()
        self._of_address: defaultdict[str, set[Connection]] = defaultdict(set)
        self._refused: Counter[str] = Counter()
        self._told_at = 0.0
        self._looked_at: float | None = None

    def enter(self, connection: Connection, now: float) -> None:
        """Raises TooManyConnections (503)."""
        address = _counted_as(connection)
        beside = self._of_address[address]
        if not (connection.client and self.limits.speaks_for_many(connection.client[0])):
            self._make_room(beside, self.limits.max_connections_per_address, now)
        self._make_room(self.inside, self.limits.max_connections, now)
        self.inside.add(connection)
        self._of_address[address].add(connection)

    def leave(self, connection: Connection) -> None:
        """Takes out a connection that is gone, or going."""
        self.inside.discard(connection)
        address = _counted_as(connection)
        beside = self._of_address[address]
        beside.discard(connection)
        if not beside:
            del self._of_address[address]

    def count(self, error: NoCultureError) -> None:
        self._refused[error.code] += 1

    def look(self, now: float) -> None:
        """Ends what takes too long; says once a minute what was refused."""
        elapsed_s = 0.0 if self._looked_at is None else now - self._looked_at
        self._looked_at = now
        for connection in list(self.inside):
            connection.look(now, elapsed_s)
        if self._refused and now - self._told_at >= TELL_EVERY_S:
            self._told_at = now
            told = ", ".join(f"{code} {n} times" for code, n in sorted(self._refused.items()))
            log.warning("the server refused connections since it last said so: %s", told)
            self._refused.clear()

    def _make_room(self, among: set[Connection], limit: int, now: float) -> None:
        if len(among) < limit:
            return
        waiting = ((since, id(each), each) for each in among if (since := each.waits_since(now)))
        longest = min(waiting, default=None)
        if longest is None:
            raise TooManyConnections
        longest[2].give_way()


def _counted_as(connection: Connection) -> Network:
    return Network(connection.client[0] if connection.client else "unknown")
