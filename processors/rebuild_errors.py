"""Why a read model could not be rebuilt, confirmed or rolled back."""

from __future__ import annotations

from events.errors import NoCultureError
from processors.consumers.consumer import TryAgain
from schemas.telling import safely


class NotRebuildable(NoCultureError):
    status, code = 409, "not-rebuildable"

    def __init__(self, name: str, kind: str) -> None:
        super().__init__(f"{name} is a {kind}: only projections are made of events alone")


class NeverRegistered(NoCultureError):
    status, code = 409, "never-registered"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} has no build yet: start a worker once, then rebuild")


class RebuildStopped(NoCultureError):
    status, code = 500, "rebuild-stopped"

    def __init__(self, name: str, position: int, error: Exception) -> None:
        super().__init__(
            f"{name} cannot digest position {position} ({safely(error)}): the live"
            " build stays, correct the program and rebuild again"
        )


class RebuildRunning(NoCultureError, TryAgain):
    status, code = 503, "rebuild-running"
    retry_after_s = 5

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is being rebuilt by another process: wait for it, or stop it")


class ViewInUse(NoCultureError):
    status, code = 503, "view-in-use"
    retry_after_s = 30

    def __init__(self, name: str, patience_s: float) -> None:
        super().__init__(
            f"A query on views.{name} has not ended for {patience_s:.0f} s: end it, then rebuild"
            " again; what is built is kept and gone on with"
        )


class NothingKept(NoCultureError):
    status, code = 409, "nothing-kept"

    def __init__(self, name: str, reason: str = "no replaced build is kept") -> None:
        super().__init__(f"{name} cannot go back ({reason}): `./noculture consumers rebuild` it")


class OtherProgram(NoCultureError):
    status, code = 409, "other-program"

    def __init__(self, name: str, kept: int, known: int) -> None:
        super().__init__(
            f"The kept build of {name} is of version {kept}, this program makes version {known}:"
            " roll back with the program that made it"
        )
