"""The request that is being answered, for what counts by whom it comes from.

A door that counts guesses need not be handed the request, so none can forget it.
"""

from __future__ import annotations

from contextvars import ContextVar

from fastapi import Request
from starlette.types import Scope

from kit.caller import Caller

_current: ContextVar[Scope | None] = ContextVar("asking", default=None)


def begin(scope: Scope) -> None:
    _current.set(scope)


def request() -> Request | None:
    """None outside of requests: the command line, a worker."""
    scope = _current.get()
    return None if scope is None else Request(scope)


def caller() -> Caller | None:
    """The caller, once known."""
    asked = request()
    found: Caller | None = None if asked is None else getattr(asked.state, "caller", None)
    return found
