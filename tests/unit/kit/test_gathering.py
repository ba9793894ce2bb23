"""Questions that come together are answered together, each with its own answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from kit.gathering import Gathering

PATIENCE_S = 10.0


class Slow:
    """Holds the first batch until `release`."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.began, self.release = threading.Event(), threading.Event()

    def __call__(self, questions: Sequence[int]) -> list[int]:
        self.batches.append(list(questions))
        self.began.set()
        assert self.release.wait(PATIENCE_S)
        if 13 in questions:
            raise ValueError("unlucky")
        return [question * 2 for question in questions]


async def ask_behind_a_slow_one(slow: Slow, *questions: int) -> list[asyncio.Task[int]]:
    """The first is under way when the others come."""
    gathering = Gathering(slow)
    first = asyncio.create_task(gathering.ask(questions[0]))
    await asyncio.to_thread(slow.began.wait, PATIENCE_S)
    others = [asyncio.create_task(gathering.ask(question)) for question in questions[1:]]
    await asyncio.sleep(0)
    return [first, *others]


def test_who_comes_while_a_statement_is_under_way_shares_the_next() -> None:
    async def run() -> None:
        slow = Slow()
        tasks = await ask_behind_a_slow_one(slow, 1, 2, 3, 4)
        slow.release.set()
        assert await asyncio.gather(*tasks) == [2, 4, 6, 8]
        assert slow.batches == [[1], [2, 3, 4]]

    asyncio.run(run())


def test_a_failed_statement_fails_its_own_questions_and_no_others() -> None:
    async def run() -> None:
        slow = Slow()
        first, *others = await ask_behind_a_slow_one(slow, 1, 13, 5)
        slow.release.set()
        assert await first == 2
        for each in others:
            with pytest.raises(ValueError, match="unlucky"):
                await each

    asyncio.run(run())


def test_a_client_that_went_away_takes_no_answer_from_the_others() -> None:
    async def run() -> None:
        slow = Slow()
        first, gone, last = await ask_behind_a_slow_one(slow, 1, 2, 3)
        gone.cancel()
        await asyncio.sleep(0)
        slow.release.set()
        assert (await first, await last) == (2, 6)
        assert gone.cancelled()

    asyncio.run(run())
