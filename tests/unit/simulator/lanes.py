"""The two lanes of a worker in the simulator: all sagas in one, in the other two read models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from events.envelope import Recorded
from processors.consumers.batch import Batches
from processors.consumers.consumer import Consumer
from processors.consumers.group import Group
from projections.system.sagas import Sagas
from runtime.areas import SAGAS
from tests.offering import OFFERING
from tests.unit.simulator.memory import Store

# What sagas read, and their own steps; nothing of the specimen happens but in its own world.
VIEWED = tuple(
    sorted({*SAGAS, OFFERING.name, *(c for saga in SAGAS.values() for c in saga.categories)})
)


class View(Consumer):
    """The real fold of `Sagas`, and beside it every position in the order it was applied: a fold
    that sets columns would not show an event that is applied twice.
    """

    kind = "projection"
    name = "sagas"
    categories = VIEWED

    def __init__(self, store: Store) -> None:
        self._store, self._fold = store, Sagas(VIEWED).fold

    def apply(self, connection: Any, events: Sequence[Recorded]) -> None:
        store = self._store
        for event in events:
            store.put(store.view, "applied", (*store.view.get("applied", ()), event.position))
            self._fold(self, event)

    def upsert(self, key: Any, **columns: Any) -> None:
        self._store.put(self._store.view, key, {**self._store.view.get(key, {}), **columns})

    def delete(self, key: Any) -> None:
        self._store.remove(self._store.view, key)


class Uploads(Consumer):
    """Shares the lane of the view, reads less than it, and may fail where both are tried at once:
    then each goes on alone, and what strikes between the two leaves them apart.
    """

    kind = "projection"
    name = "uploads"
    categories = ("asset",)

    def __init__(self, store: Store) -> None:
        self._store = store

    def apply(self, connection: Any, events: Sequence[Recorded]) -> None:
        store = self._store
        store.choke()
        applied = store.view.get("uploads", ())
        store.put(store.view, "uploads", (*applied, *(event.position for event in events)))


@dataclass
class Worker:
    """One lane of a worker."""

    batches: Batches
    group: Group
    consumers: list[Consumer]
