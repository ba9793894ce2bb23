"""Loads streams from the cache, from a snapshot and the tail behind it, or from all events.

The cache is used without a read: the expected version in the append is the check.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, cast

from eventsourcing.application import Repository
from eventsourcing.persistence import EventStore
from psycopg_pool import ConnectionPool

from commands.rules import AggregateModule, Evolve
from events.envelope import Recorded
from events.model import Event
from events.personal import subjects_of
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from events.store.recorder import EventMapper, LogRecorder
from events.store.snapshots import EVERY_VERSIONS, Snapshot, SnapshotStore, snapshot_store

CACHE_SIZE = 4_096
NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Loaded:
    """One stream's state; versions and positions start at 1: 0 (and None) for no such stream.

    `subjects` are the people whose personal values it may hold, `snapshot` the version of the
    newest snapshot that this process knows of.
    """

    state: Any
    version: int
    position: int
    subjects: frozenset[str] = NOBODY
    snapshot: int = 0

    def advanced(
        self, module: AggregateModule[Any], events: Iterable[Event], *, position: int | None = None
    ) -> Loaded:
        """After these events too, of which the last is at `position`."""
        state, version, subjects = self.state, self.version, self.subjects
        for event in events:
            state, version = module.evolve(state, event), version + 1
            if event.holds_personal:
                subjects |= subjects_of(event)
        return Loaded(state, version, position or self.position, subjects, self.snapshot)


NOTHING = Loaded(None, 0, 0)


class Aggregates:
    """States by (aggregate module, stream), for all threads of a process."""

    def __init__(
        self, log: PostgresLog, pool: ConnectionPool, codec: EventCodec, snapshot_key: bytes
    ) -> None:
        self._pool, self._keys, self._snapshot_key = pool, codec.keys, snapshot_key
        self._events: EventStore[str] = EventStore(EventMapper(codec), LogRecorder(log))
        self._repositories: dict[Evolve[Any], Repository[str]] = {}
        self._cache: OrderedDict[tuple[Evolve[Any], str], Loaded] = OrderedDict()
        self._lock = threading.Lock()

    def load(self, module: AggregateModule[Any], stream_id: str, *, fresh: bool = False) -> Loaded:
        """`fresh` also reads what others appended since it was cached."""
        key = (module.evolve, stream_id)
        with self._lock:
            cached = self._cache.get(key)
            if cached is not None:
                self._cache.move_to_end(key)
                if not fresh:
                    return cached
        if cached is None:
            loaded = self._project(module, stream_id)
        else:
            loaded = _fold(module, cached, self._events.get(stream_id, gt=cached.version))
        # A missing stream is not cached: another process may begin it any moment.
        return self.remember(module, stream_id, loaded) if loaded.version else loaded

    def remember(self, module: AggregateModule[Any], stream_id: str, loaded: Loaded) -> Loaded:
        """Cache what is certainly stored, and keep a snapshot where the last one is far behind."""
        if loaded.version - loaded.snapshot >= EVERY_VERSIONS:
            loaded = self._keep_snapshot(module, stream_id, loaded)
        key = (module.evolve, stream_id)
        with self._lock:
            known = self._cache.get(key)
            if known is None or known.version <= loaded.version:
                self._cache[key] = loaded
                self._cache.move_to_end(key)
            while len(self._cache) > CACHE_SIZE:
                self._cache.popitem(last=False)
        return loaded

    def forget(self, module: AggregateModule[Any], stream_id: str) -> None:
        with self._lock:
            self._cache.pop((module.evolve, stream_id), None)

    def forget_subject(self, subject: str) -> None:
        """No state with personal values of this person stays in memory."""
        with self._lock:
            theirs = [key for key, loaded in self._cache.items() if subject in loaded.subjects]
            for key in theirs:
                del self._cache[key]

    def _project(self, module: AggregateModule[Any], stream_id: str) -> Loaded:
        def project(initial: Loaded | None, found: Iterable[Any]) -> Loaded:
            return _fold(module, initial or NOTHING, found)

        loaded = self._repository(module).get(stream_id, projector_func=cast(Any, project))
        return cast(Loaded, loaded)

    def _repository(self, module: AggregateModule[Any]) -> Repository[str]:
        evolve, name = module.evolve, module.STORED_AS
        if evolve not in self._repositories:
            snapshots = snapshot_store(name, evolve, self._pool, self._keys, self._snapshot_key)
            self._repositories[evolve] = Repository(self._events, snapshot_store=snapshots)
        return self._repositories[evolve]

    def _keep_snapshot(
        self, module: AggregateModule[Any], stream_id: str, loaded: Loaded
    ) -> Loaded:
        store = self._repository(module).snapshot_store
        if isinstance(store, SnapshotStore):
            store.keep(Snapshot(stream_id, loaded.version, loaded.state, subjects=loaded.subjects))
        # Also of one that could not be kept: the next try is that many versions away.
        return replace(loaded, snapshot=loaded.version)


def _fold(module: AggregateModule[Any], loaded: Loaded, found: Iterable[Any]) -> Loaded:
    """On from a state, over what the library hands out: perhaps a snapshot, then events."""
    state, subjects, snapshot = loaded.state, loaded.subjects, loaded.snapshot
    version, position = loaded.version, loaded.position
    for each in cast("Iterable[Recorded | Snapshot]", found):
        if isinstance(each, Snapshot):
            state, subjects, snapshot = each.state, each.subjects, each.originator_version
        else:
            state = module.evolve(state, each.data)
            if each.data.holds_personal:
                subjects |= subjects_of(each.data)
        version, position = each.originator_version, each.position
    return Loaded(state, version, position, subjects, snapshot)
