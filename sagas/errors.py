"""Refusals of what an operator wants to do to a saga."""

from __future__ import annotations

from events.errors import NoCultureError


class UnknownSaga(NoCultureError):
    status, code = 404, "not-found"

    def __init__(self) -> None:
        super().__init__("This saga does not exist here: check its id")


class SagaEnded(NoCultureError):
    status, code = 409, "saga-ended"

    def __init__(self, outcome: str) -> None:
        super().__init__(f"This saga has ended ({outcome}): nothing moves it any more")


class NotSkippable(NoCultureError):
    status, code = 409, "not-skippable"

    def __init__(self, state: str) -> None:
        super().__init__(
            f"{state} cannot do without what it waits for: retry it, or abort the saga"
        )


class NothingToRetry(NoCultureError):
    status, code = 409, "nothing-to-retry"

    def __init__(self, state: str) -> None:
        super().__init__(f"{state} has asked for nothing that could be asked again: it only waits")


class NotAbortable(NoCultureError):
    status, code = 409, "not-abortable"

    def __init__(self, saga: str) -> None:
        super().__init__(f"The saga {saga} must come to its own end: retry it")
