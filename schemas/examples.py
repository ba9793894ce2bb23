"""One example of each event with fixed ids: for golden files, AsyncAPI and specifications.

Every module below whose name ends in `examples` brings some, as its `EXAMPLES`; those of earlier
versions are what their golden files were made of.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import TypeVar

import schemas
from events.catalogue import modules
from events.ids import AccountId, Id, WorkspaceId
from events.model import REGISTRY, Event

AnyId = TypeVar("AnyId", bound=Id)


def numbered(prefix: str, number: int = 1) -> str:
    """The same text of an id every time."""
    return f"{prefix}_01980000000070008000000000000{number:03x}"


def fixed(kind: type[AnyId], number: int = 1) -> AnyId:
    """The same id every time."""
    return kind(numbered(kind.prefix, number))


ACCOUNT = fixed(AccountId)
WORKSPACE = fixed(WorkspaceId)


def all_examples() -> tuple[Event, ...]:
    """One of each event type, in its newest version."""
    return tuple(
        event for event in _of_every_version() if REGISTRY.newest(event.type) is type(event)
    )


def example_of(type: str, version: int) -> Event:
    """The example of one event version. Raises LookupError: every event version needs one."""
    for event in _of_every_version():
        if (event.type, event.version) == (type, version):
            return event
    raise LookupError(f"add an example of {type} version {version} to schemas/<area>/examples.py")


@cache
def _of_every_version() -> tuple[Event, ...]:
    # Imported only when asked for, because the areas' examples take their ids from this module.
    bringing = [m for m in modules(schemas) if m.endswith("examples") and m != __name__]
    return tuple(event for m in bringing for event in importlib.import_module(m).EXAMPLES)
