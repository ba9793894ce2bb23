"""Places for what lasts: so many at once for each subject of a kind, and in all."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from schemas.errors import NoCultureError


class Place:
    """Taken; `leave` gives it back, once."""

    def __init__(self, leave: Callable[[], None]) -> None:
        self._leave: Callable[[], None] | None = leave

    def leave(self) -> None:
        leave, self._leave = self._leave, None
        if leave is not None:
            leave()


class Places:
    """Gives out `most` places at once in all. One `take` gets all that it asks for, or nothing."""

    def __init__(self, most: int, full: Callable[[], NoCultureError]) -> None:
        self._most, self._full = most, full
        # Guards `_taken` and `_all`.
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()
        self._all = 0

    @property
    def taken(self) -> int:
        return self._all

    def take(self, of: Mapping[str, tuple[int, Callable[[], NoCultureError]]]) -> Place:
        """`of`: for each subject how many it may have, and what is raised when it has them all."""
        with self._lock:
            for subject, (most, refusal) in of.items():
                if self._taken[subject] >= most:
                    raise refusal()
            if self._all >= self._most:
                raise self._full()
            self._all += 1
            self._taken.update(of.keys())
        subjects = tuple(of)

        def leave() -> None:
            with self._lock:
                self._all -= 1
                self._taken.subtract(subjects)
                for subject in subjects:
                    if not self._taken[subject]:
                        del self._taken[subject]

        return Place(leave)


class HoldingResponse(StreamingResponse):
    """Gives its place back when it has ended, however it ends."""

    def __init__(self, place: Place, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._place.leave()
