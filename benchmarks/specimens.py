"""Consumers that the product does not have: how it will do with as many as it is going to have.

They are made in processes that `benchmarks.crowd` starts, and nowhere else. Each kind is a name for
the command line there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from events.envelope import Recorded
from events.model import REGISTRY, Event
from events.vault.asset import AssetTagsEdited
from processors.consumers.consumer import Connection, Consumer
from processors.consumers.projection import ProjectionConsumer
from projections.projection import Projection
from projections.vault.vault import Vault
from runtime.areas import ALL

CONSUMERS = TOPICS = 60
OWN = len(ALL.views) + len(ALL.sagas) + len(ALL.effects)
SLOW_S = 0.2


def folds() -> list[Consumer]:
    """As many as make CONSUMERS with the product's own; each does for itself what the vault does
    with the same events.
    """
    return [ProjectionConsumer(_twin(name)) for name in _names()]


def quiet() -> list[Consumer]:
    """As many, over as many more categories as make TOPICS; nothing ever happens in these."""
    names, categories = _names(), _quiet_categories()
    return [
        ProjectionConsumer(_twin(name, tuple(categories[number :: len(names)])))
        for number, name in enumerate(names)
    ]


def troubled() -> list[Consumer]:
    """One that stops at an edit, one that is slow, one that is new."""
    # With the library that P4 compares with.
    from benchmarks.p4_view import Attempts

    # Of assets alone: only the new one should have a long way to the lanes.
    return [
        Stopped(_twin("stopped", ("asset",))),
        Slow(_twin("slow", ("asset",))),
        ProjectionConsumer(Attempts()),
    ]


KINDS: dict[str, Callable[[], list[Consumer]]] = {
    "folds": folds,
    "quiet": quiet,
    "troubled": troubled,
}


class Stopped(ProjectionConsumer):
    """A money consumer that cannot digest an edit: it stops at the first."""

    def __init__(self, projection: Projection) -> None:
        super().__init__(projection)
        self.money = True

    def apply(self, connection: Connection, events: Sequence[Recorded]) -> None:
        if any(isinstance(event.data, AssetTagsEdited) for event in events):
            raise ValueError("an edit is poison here")
        super().apply(connection, events)


class Slow(ProjectionConsumer):
    """Takes SLOW_S and more for each batch, of whatever size."""

    def apply(self, connection: Connection, events: Sequence[Recorded]) -> None:
        super().apply(connection, events)
        time.sleep(SLOW_S)


def _names() -> list[str]:
    return [f"specimen_{number:02}" for number in range(1, CONSUMERS - OWN + 1)]


def _twin(name: str, categories: Sequence[str] = Vault.categories) -> Projection:
    """The vault's fold over a table of its own, with all its indexes. What is said of the one
    object hides what the class says: nothing is registered.
    """
    twin = Vault()
    table = Vault.table_sql.replace(f"{{schema}}.{Vault.name}", f"{{schema}}.{name}")
    vars(twin).update(name=name, table_sql=table, categories=tuple(categories))
    return twin


def _quiet_categories() -> list[str]:
    """Declared once a process: the relay makes a topic for each category that it knows."""
    known = [name for name in REGISTRY.categories() if not name.startswith("quiet")]
    quiet = [f"quiet{number:02}" for number in range(1, TOPICS - len(known) + 1)]
    for category in quiet:
        if REGISTRY.newest(f"{category}.noted") is None:
            _declare(category)
    return quiet


def _declare(category: str) -> None:
    class Noted(Event, type=f"{category}.noted", version=1):
        """Nobody ever notes it."""
