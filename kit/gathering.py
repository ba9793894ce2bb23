"""Questions of many requests in one statement: those that come while one is under way share the
next.

Asked by each request alone, they were half of what it cost: a journey to a thread, two to the
database, and the fight of 32 threads for Python's lock.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")
MOST = 128


class Gathering(Generic[Question, Answer]):
    """`answer` gives one answer a question, in their order; what it raises, all of them raise.

    It is called on one thread of its own, never twice at once.
    """

    def __init__(self, answer: Callable[[Sequence[Question]], Sequence[Answer]]) -> None:
        self._answer = answer
        self._thread = ThreadPoolExecutor(1, "gathering")
        # Guards `_waiting` and `_busy`.
        self._lock = threading.Lock()
        self._waiting: list[tuple[Question, asyncio.Future[Answer]]] = []
        self._busy = False

    async def ask(self, question: Question) -> Answer:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        with self._lock:
            self._waiting.append((question, future))
            starts, self._busy = not self._busy, True
        if starts:
            self._thread.submit(self._run)
        return await future

    def _run(self) -> None:
        while gathered := self._next():
            try:
                answers: Sequence[Answer | Exception] = self._answer([each for each, _ in gathered])
            except Exception as error:
                answers = [error] * len(gathered)
            _deliver([future for _, future in gathered], answers)

    def _next(self) -> list[tuple[Question, asyncio.Future[Answer]]]:
        with self._lock:
            gathered, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            self._busy = bool(gathered)
        return gathered


_Settled = list[tuple["asyncio.Future[Answer]", "Answer | Exception"]]


def _deliver(
    futures: Sequence[asyncio.Future[Answer]], answers: Sequence[Answer | Exception]
) -> None:
    """One call into each event loop, however many of its requests wait."""
    of_loop: defaultdict[asyncio.AbstractEventLoop, _Settled[Answer]] = defaultdict(list)
    for future, answer in zip(futures, answers, strict=True):
        of_loop[future.get_loop()].append((future, answer))
    for loop, settled in of_loop.items():
        # A closed loop raises RuntimeError; nothing waits in it any more.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, settled)


def _settle(settled: _Settled[Answer]) -> None:
    for future, answer in settled:
        if future.done():
            # The client of this question went away.
            continue
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
