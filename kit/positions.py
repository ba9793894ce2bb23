"""Reading one's own writes: a change answers `Event-Position`, a read asks for `Min-Position`."""

from __future__ import annotations

import re
from typing import Annotated, Protocol

from fastapi import Header, Request, Response

from kit.problems import add_headers
from schemas.errors import NoCultureError

DEFAULT_WAIT_S = 2.0
MAX_WAIT_S = 30.0
_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d+(?:\.\d+)?)", re.IGNORECASE)


class Progress(Protocol):
    """How far consumers are; `events.log.progress` is one."""

    def consumer_position(self, name: str) -> int: ...

    def wait_until(self, name: str, position: int, timeout_s: float) -> bool: ...


class ProjectionLag(NoCultureError):
    status, code = 503, "projection-lag"
    retry_after_s = 1

    def __init__(self, wanted: int, reached: int) -> None:
        self.wanted, self.reached = wanted, reached
        super().__init__(
            f"This view is at position {reached}, not yet at {wanted}:"
            " ask again, or wait longer with `Prefer: wait=30`"
        )

    @property
    def details(self) -> dict[str, object]:
        return {"min_position": self.wanted, "projection_position": self.reached}


class ReadAt:
    """Dependency of a read: waits until the view is at `Min-Position`; gives its position."""

    def __init__(self, name: str, progress: Progress) -> None:
        self._name, self._progress = name, progress

    def __call__(
        self,
        request: Request,
        min_position: Annotated[
            int | None,
            Header(
                alias="Min-Position", ge=0, description="The Event-Position that must be visible."
            ),
        ] = None,
        prefer: Annotated[
            str | None, Header(description="`wait=N`: at most N seconds, 2 by default, 30 at most.")
        ] = None,
    ) -> int:
        if min_position is not None:
            timeout_s = wait_s(prefer)
            if not self._progress.wait_until(self._name, min_position, timeout_s):
                reached = self._progress.consumer_position(self._name)
                add_headers(request, Projection_Position=str(reached))
                raise ProjectionLag(min_position, reached)
        reached = self._progress.consumer_position(self._name)
        add_headers(request, Projection_Position=str(reached))
        return reached


def wait_s(prefer: str | None) -> float:
    found = _WAIT.search(prefer or "")
    return min(float(found[1]), MAX_WAIT_S) if found else DEFAULT_WAIT_S


def answer_position(response: Response, position: int) -> None:
    """`Event-Position` of a change."""
    response.headers["Event-Position"] = str(position)
