"""Errors of reading."""

from __future__ import annotations

from schemas.errors import NoCultureError


class NotVisible(NoCultureError):
    """Also the answer for what another workspace has: that it exists is nobody else's business."""

    status, code = 404, "not-found"

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} does not exist here: check the address")


class NotReady(NoCultureError):
    status, code = 409, "asset-not-ready"

    def __init__(self, state: str) -> None:
        super().__init__(f"The file is {state}: it can be played once it is verified")


class TooManyFiles(NoCultureError):
    status, code = 422, "too-many-files"

    def __init__(self, allowed: int) -> None:
        super().__init__(f"One download holds up to {allowed} tracks: choose fewer")


class NothingToDownload(NoCultureError):
    status, code = 409, "nothing-to-download"

    def __init__(self) -> None:
        super().__init__("No track here can be downloaded: choose at least one that plays")


class NoWaveform(NoCultureError):
    status, code = 404, "no-waveform"

    def __init__(self, state: str) -> None:
        super().__init__(f"The file is {state}: there is a waveform once it is analysed")


class NoCover(NoCultureError):
    status, code = 404, "no-cover"

    def __init__(self) -> None:
        super().__init__("The file carries no cover picture")


class RangeNotSatisfiable(NoCultureError):
    """Carries the length for `Content-Range: bytes */length`."""

    status, code = 416, "range-not-satisfiable"

    def __init__(self, size_bytes: int) -> None:
        super().__init__(f"The file has {size_bytes} bytes: ask for a range within them")
        self.headers = {"Content-Range": f"bytes */{size_bytes}"}


class ViewNotReady(NoCultureError):
    """The worker has not built this view yet: the first seconds of an installation."""

    status, code = 503, "view-not-ready"
    retry_after_s = 1

    def __init__(self) -> None:
        super().__init__("The library is being built: try again in a second")


class GrantsBehind(NoCultureError):
    """Only what belongs to the caller's own workspace is shown meanwhile."""

    status, code = 503, "grants-behind"
    retry_after_s = 1

    def __init__(self) -> None:
        super().__init__(
            "Tracks that others share with you cannot be shown at the moment: try again soon"
        )


class TooManyStreams(NoCultureError):
    status, code = 429, "too-many-streams"
    retry_after_s = 5

    def __init__(self, whose: str, limit: int) -> None:
        super().__init__(f"This {whose} has {limit} live streams open here: close one first")


class StreamsFull(NoCultureError):
    status, code = 503, "streams-full"
    retry_after_s = 30

    def __init__(self) -> None:
        super().__init__("All live streams are taken at the moment: try again in half a minute")


class TooManyExports(NoCultureError):
    status, code = 429, "too-many-exports"
    retry_after_s = 30

    def __init__(self) -> None:
        super().__init__("Your account is exported at this moment: wait until that is done")


class ExportsFull(NoCultureError):
    status, code = 503, "exports-full"
    retry_after_s = 30

    def __init__(self) -> None:
        super().__init__("Too many people export at the moment: try again in half a minute")


class NothingToMeasure(NoCultureError):
    status, code = 409, "asset-not-ready"

    def __init__(self, state: str) -> None:
        super().__init__(f"The file is {state}: there is no sound to analyse, upload another")


class AnalysisGivenUp(NoCultureError):
    """Carries what stopped it as `reason_code`."""

    status, code = 409, "analysis-failed"

    def __init__(self, code: str, reason: str) -> None:
        self.reason_code = code
        super().__init__(
            f"The file could not be analysed: {reason} Ask again with refresh, or upload it"
            " in another format"
        )

    @property
    def details(self) -> dict[str, object]:
        return {"reason_code": self.reason_code}


class NoReport(NoCultureError):
    status, code = 409, "no-report"

    def __init__(self, analyser: str) -> None:
        super().__init__(
            f"The analyser {analyser} measures only what the asset itself shows: read the asset"
        )
