"""Requests that cost much wait for their turn before a thread is taken, whatever route they go to.

Forty handlers' threads that waited would leave none for what costs nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import Depends, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kit.fair import FairQueue

# The subject that a request counts for; None if the request will be refused anyway.
SubjectOf = Callable[[Request], Awaitable[str | None]]


def passing(
    queue: FairQueue,
    subject: SubjectOf,
    methods: str,
    *paths: str,
    query: re.Pattern[bytes] | None = None,
) -> Iterator[Costly]:
    """Requests of these methods whose path fits one of the expressions `paths`."""
    for path in paths:
        yield Costly(queue, subject, methods, re.compile(path), query)


def in_turn(queue: FairQueue, subject: SubjectOf, query: re.Pattern[bytes] | None = None) -> Any:
    """A dependency of routes that wait for something else first, like a view: put behind that, its
    turn begins with the work. With `query` only requests whose query fits it wait.
    """

    async def turn(request: Request) -> AsyncIterator[None]:
        meant = query is None or query.search(request.scope["query_string"]) is not None
        whose = await subject(request) if meant else None
        if whose is None:
            yield
            return
        with await queue.enter(whose):
            yield

    return Depends(turn, scope="function")


@dataclass(frozen=True, slots=True)
class Costly:
    """Requests of these methods and this path; with `query` only those whose query fits it."""

    queue: FairQueue
    subject: SubjectOf
    methods: str
    path: re.Pattern[str]
    query: re.Pattern[bytes] | None = None

    def is_meant(self, scope: Scope) -> bool:
        if self.path.fullmatch(scope["path"]) is None:
            return False
        return self.query is None or self.query.search(scope["query_string"]) is not None


class TakeTurns:
    """Behind the body limit: the turn begins when the body is here. It ends with the work, before
    the answer is sent: neither a slow sender nor a slow reader holds one.
    """

    def __init__(self, app: ASGIApp, costly: Iterable[Costly]) -> None:
        self._app = app
        self._of_method: defaultdict[str, list[Costly]] = defaultdict(list)
        for each in costly:
            for method in each.methods.split():
                self._of_method[method].append(each)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._found(scope) if scope["type"] == "http" else None
        subject = None if found is None else await found.subject(Request(scope))
        if found is None or subject is None:
            await self._app(scope, receive, send)
            return

        async def send_after_the_work(message: Message) -> None:
            turn.end()
            await send(message)

        with await found.queue.enter(subject) as turn:
            await self._app(scope, receive, send_after_the_work)

    def _found(self, scope: Scope) -> Costly | None:
        kinds = self._of_method.get(scope["method"], ())
        return next((each for each in kinds if each.is_meant(scope)), None)
