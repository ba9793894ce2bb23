"""Finds what callers name: by a valid id, in their own workspace, at the version they saw."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from aggregates.errors import NotFound
from commands.rules import AggregateModule
from commands.unit import Commands
from events.errors import InvalidId
from events.ids import Id
from events.store.pending import VersionConflict
from kit.caller import Caller
from kit.conditions import PreconditionFailed

AnyId = TypeVar("AnyId", bound=Id)


def known(kind: type[AnyId], text: str, what: str) -> AnyId:
    """Raises NotFound (404) for what is no such id: nothing is called that."""
    try:
        return kind(text)
    except InvalidId as error:
        raise NotFound(what) from error


def owned(
    commands: Commands, caller: Caller, module: AggregateModule[Any], stream_id: Id, what: str
) -> Any:
    """Loads its newest state. Raises NotFound (404), also for what another workspace has."""
    state = commands.load(module, stream_id, fresh=True).state
    if state is None or state.workspace_id != caller.workspace_id:
        raise NotFound(what)
    return state


@contextmanager
def as_seen(expected_version: int | None) -> Iterator[None]:
    """Raises PreconditionFailed (412) in the place of VersionConflict, if the caller has named the
    version to change; who named none is told of others that were faster (409).
    """
    try:
        yield
    except VersionConflict as conflict:
        if expected_version is None:
            raise
        raise PreconditionFailed(conflict.current) from conflict
