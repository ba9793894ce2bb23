"""The answer to "what is this recording like": the newest report, waited for if need be."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from kit.auth import MissingScope
from kit.caller import Caller
from kit.positions import Progress
from kit.threads import in_thread
from read_api.analyses import AnalysisQueries, Standing

# Begins a run and says which one.
StartRun = Callable[[Caller, str], int]
# A view that takes in a whole library moves a hundred times a second.
LOOK_AT_MOST_EVERY_S = 0.1


class EnhancedAnalyses:
    """Nobody who waits has a thread, and a look is taken only when the view has moved."""

    def __init__(self, analyses: AnalysisQueries, progress: Progress, start: StartRun) -> None:
        self._analyses, self._progress, self._start = analyses, progress, start

    async def standing(
        self, caller: Caller, asset_id: str, *, refresh: bool, timeout_s: float
    ) -> Standing:
        """As soon as there is a report, or else when the time is over.

        A recording measured before there were reports is measured anew. Raises MissingScope (403)
        and what `AnalysisQueries.standing` does.
        """
        if refresh and not caller.may("assets:write"):
            raise MissingScope("assets:write")
        since_run = await in_thread(self._start, caller, asset_id) if refresh else 0
        deadline, loop = time.monotonic() + timeout_s, asyncio.get_running_loop()
        moved = asyncio.Event()

        def wake() -> None:
            # A loop that is closed has nobody who waits.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(moved.set)

        with self._progress.telling("analyses", wake) as look_every_s:
            while True:
                moved.clear()
                standing = await in_thread(self._analyses.standing, caller, asset_id, since_run)
                if standing.unreported:
                    since_run = await in_thread(self._start, caller, asset_id)
                    continue
                left_s = deadline - time.monotonic()
                if standing.report is not None or left_s <= 0:
                    return standing
                with suppress(TimeoutError):
                    await asyncio.wait_for(moved.wait(), min(left_s, look_every_s))
                await asyncio.sleep(min(max(left_s, 0), LOOK_AT_MOST_EVERY_S))
