"""A request's id, for what happens because of it: its command, its log lines, its trace."""

from __future__ import annotations

from contextvars import ContextVar


class _Request:
    """Shared by the threads that work for one request: each has a copy of the context."""

    def __init__(self, request_id: str) -> None:
        self.request_id, self.taken = request_id, False


_current: ContextVar[_Request | None] = ContextVar("request", default=None)


def begin(request_id: str) -> None:
    _current.set(_Request(request_id))


def request_id() -> str | None:
    """`req_` and 32 hex digits; None outside of requests."""
    request = _current.get()
    return request.request_id if request else None


def take() -> str | None:
    """The id, once a request: what it carries one to one must not be carried by two.

    A form with many files is many commands, each with a process of its own behind it.
    """
    request = _current.get()
    if request is None or request.taken:
        return None
    request.taken = True
    return request.request_id
