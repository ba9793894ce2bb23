"""Every event model there is, registered.

A reader skips a type that it does not know, for good: whoever decodes events loads all of them
first, not only those that its own imports happen to bring along.
"""

from __future__ import annotations

import importlib
import pkgutil

import events
from events.model import REGISTRY, Event


def load_all_events() -> list[type[Event]]:
    """Every event model, by type and version. Raises MissingUpcaster."""
    for module in pkgutil.iter_modules(events.__path__):
        if not module.ispkg:
            importlib.import_module(f"events.{module.name}")
    REGISTRY.check()
    return REGISTRY.all()
