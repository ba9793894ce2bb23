"""Turns at costly work: so many at once, and waiting subjects are served in rotation.

A subject is whom a request counts for: an account, or a stranger's network. Twenty-four sign-ups of
one network make another's sign-in wait for two turns, not for twenty-four.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from kit.threads import in_thread
from schemas.errors import NoCultureError

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class TooManyAtOnce(NoCultureError):
    """The subject's own excess: others are served meanwhile."""

    status, code = 429, "too-many-at-once"
    retry_after_s = 2

    def __init__(self) -> None:
        super().__init__(
            "You asked for too much at the same time: wait two seconds, then try again"
        )


class Busy(NoCultureError):
    status, code = 503, "busy"
    retry_after_s = 5

    def __init__(self) -> None:
        super().__init__("Too many people ask for this at the moment: try again in five seconds")


@dataclass(eq=False)
class Ticket:
    """A place in the line; `granted` once it is its turn."""

    subject: str
    granted: bool = False
    left: bool = False
    called: Future[None] = field(default_factory=Future)


class Line:
    """Decides who works and who waits, without clocks, locks and threads.

    `each` bounds the turns that one subject has at once, `waiting_each` its tickets in line and
    `subjects` how many may be in line. A subject that waits alone is served after
    at most as many turns as other subjects wait.
    """

    def __init__(self, slots: int, each: int, waiting_each: int, subjects: int) -> None:
        assert 0 < each <= slots
        self._slots, self._each = slots, each
        self._waiting_each, self._subjects = waiting_each, subjects
        self._working: Counter[str] = Counter()
        # Subjects with a ticket, in the order of their next turn.
        self._lines: dict[str, deque[Ticket]] = {}

    @property
    def working(self) -> int:
        return self._working.total()

    @property
    def waiting(self) -> int:
        return sum(map(len, self._lines.values()))

    def ask(self, subject: str) -> Ticket:
        """A ticket, granted at once if there is room. Raises TooManyAtOnce (429), Busy (503)."""
        ticket = Ticket(subject)
        line = self._lines.get(subject)
        if line is None and self.working < self._slots and self._working[subject] < self._each:
            self._grant(ticket)
            return ticket
        # Fullness counts subjects, so a few cannot fill the line: their own excess is refused.
        if line is None and len(self._lines) >= self._subjects:
            raise Busy
        if len(line or ()) >= self._waiting_each:
            raise TooManyAtOnce
        self._lines.setdefault(subject, deque()).append(ticket)
        return ticket

    def leave(self, ticket: Ticket) -> list[Ticket]:
        """The work is done, or nobody waits for it any more. Gives those whose turn it is now."""
        if ticket.left:
            return []
        ticket.left = True
        if ticket.granted:
            self._working[ticket.subject] -= 1
            if not self._working[ticket.subject]:
                del self._working[ticket.subject]
        else:
            self._lines[ticket.subject].remove(ticket)
            if not self._lines[ticket.subject]:
                del self._lines[ticket.subject]
        return list(self._next())

    def _next(self) -> Iterator[Ticket]:
        while self.working < self._slots:
            subject = next((s for s in self._lines if self._working[s] < self._each), None)
            if subject is None:
                return
            line = self._lines.pop(subject)
            ticket = line.popleft()
            if line:
                # Its next turn is behind everybody else's.
                self._lines[subject] = line
            self._grant(ticket)
            yield ticket

    def _grant(self, ticket: Ticket) -> None:
        ticket.granted = True
        self._working[ticket.subject] += 1


class FairQueue:
    """One line for the threads and event loops of a process. Waiting in `enter` holds no thread.

    `patience_s` is the longest wait; `busy` makes the error that is raised then.
    """

    def __init__(
        self,
        slots: int,
        *,
        each: int | None = None,
        waiting_each: int = 50,
        subjects: int = 500,
        patience_s: float = 10.0,
        busy: Callable[[], NoCultureError] = Busy,
    ) -> None:
        self.line = Line(slots, min(each or slots, slots), waiting_each, subjects)
        self._patience_s, self._busy = patience_s, busy
        # Guards the line.
        self._lock = threading.Lock()

    async def enter(self, subject: str) -> Turn:
        """Waits for a turn. Raises TooManyAtOnce (429) and `busy` (503)."""
        ticket = self._ask(subject)
        if not ticket.granted:
            try:
                await asyncio.wait_for(asyncio.wrap_future(ticket.called), self._patience_s)
            except TimeoutError:
                self._leave(ticket)
                raise self._busy() from None
            except BaseException:
                self._leave(ticket)
                raise
        return Turn(self, ticket)

    async def run(
        self,
        subject: str,
        work: Callable[Arguments, Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        """Work in a thread, in turn. Whoever is cancelled waits for the end of what has begun."""
        turn = await self.enter(subject)

        def worked() -> Result:
            with turn:
                return work(*args, **kwargs)

        thread = asyncio.ensure_future(in_thread(worked))
        try:
            return await asyncio.shield(thread)
        except asyncio.CancelledError:
            await asyncio.wait({thread})
            raise

    @contextmanager
    def here(self, subject: str) -> Iterator[None]:
        """A turn for this thread; none is taken where the request has one already."""
        if self in _held.get():
            yield
            return
        ticket = self._ask(subject)
        try:
            if not ticket.granted:
                try:
                    ticket.called.result(self._patience_s)
                except TimeoutError:
                    raise self._busy() from None
            yield
        finally:
            self._leave(ticket)

    def _ask(self, subject: str) -> Ticket:
        with self._lock:
            try:
                return self.line.ask(subject)
            except Busy:
                raise self._busy() from None

    def _leave(self, ticket: Ticket) -> None:
        with self._lock:
            called = self.line.leave(ticket)
        for each in called:
            # A waiter that was cancelled a moment ago leaves by itself and passes its turn on.
            if each.called.set_running_or_notify_cancel():
                with suppress(RuntimeError):
                    each.called.set_result(None)


class Turn:
    """A slot that is held; ends once. As a context it is known to `here` of the same request."""

    def __init__(self, queue: FairQueue, ticket: Ticket) -> None:
        self._queue, self._ticket = queue, ticket
        self._before = _held.get()

    def end(self) -> None:
        self._queue._leave(self._ticket)

    def __enter__(self) -> Turn:
        _held.set(self._before | {self._queue})
        return self

    def __exit__(self, *exception: object) -> None:
        _held.set(self._before)
        self.end()


_held: ContextVar[frozenset[FairQueue]] = ContextVar("turns", default=frozenset())
