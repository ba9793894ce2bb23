"""Errors between asking for an analysis and having it."""

from __future__ import annotations

from gateways.audio.facts import Refused
from schemas.errors import NoCultureError


class AudioError(NoCultureError):
    """`retryable`: the same file may well succeed on the next attempt."""

    retryable = True


class AnalyserCrashed(AudioError):
    """The child ended or answered nonsense; the next job gets a new one. `exit_status` is negative
    for a signal, None if it did not end by itself.
    """

    status = 503
    code = "analyser-crashed"

    def __init__(self, detail: str, exit_status: int | None = None) -> None:
        self.exit_status = exit_status
        super().__init__(f"The audio analyser stopped ({detail}): try this file again.")


class AnalyserStopped(AudioError):
    """Our own process ends: nothing is known of the file."""

    status = 503
    code = "analyser-stopped"

    def __init__(self) -> None:
        super().__init__("The audio analyser was shut down: try this file again.")


class AnalyserTimedOut(AudioError):
    """The child did not answer in time and was killed; a busy machine does this as well."""

    status = 504
    code = "analyser-timed-out"

    def __init__(self, allowed_s: float) -> None:
        super().__init__(
            f"The audio analyser gave no answer within {allowed_s:g} s: "
            "try again when the machine is less busy."
        )


class OverCpuLimit(AudioError):
    """The file alone used up the processor time that one file may cost; retrying is of no use."""

    status = 422
    code = "limits-exceeded"
    retryable = False

    def __init__(self, allowed_s: float) -> None:
        super().__init__(
            f"Reading this file takes more than {allowed_s:g} s of processor time: "
            "split it, or export it again."
        )


class AudioRefused(AudioError):
    """The file is not sound that can be measured; carries why."""

    status = 422
    retryable = False

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.reason)
        self.code = refused.code
        self.refused = refused
