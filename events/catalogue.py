"""Every event model there is, registered.

A reader skips a type that it does not know, for good: whoever decodes events loads all of them
first, not only those that its own imports happen to bring along.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import events
from events.model import REGISTRY, Event

# Machinery: what keeps events and what carries them, with clients that not everybody needs.
WITHOUT_MODELS = frozenset({"events.store", "events.log"})


def load_all_events() -> list[type[Event]]:
    """Every event model, by type and version. Raises MissingUpcaster."""
    for module in modules(events):
        importlib.import_module(module)
    REGISTRY.check()
    return REGISTRY.all()


def modules(package: ModuleType) -> Iterator[str]:
    """Every module below the package; of events, those that may hold models."""
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if module.name in WITHOUT_MODELS:
            continue
        if module.ispkg:
            folder = importlib.import_module(module.name)
            yield from modules(folder)
        else:
            yield module.name
