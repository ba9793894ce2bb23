"""The one base class of our errors: each knows its HTTP status and its stable code."""


class NoCultureError(Exception):
    """Base of every error a caller may meet. `str(error)` tells the user what to do next."""

    status: int = 500
    code: str = "internal-error"

    @property
    def details(self) -> dict[str, object]:
        """Extra members of the problem document, JSON-able."""
        return {}


class InvalidId(NoCultureError, ValueError):
    status, code = 422, "invalid-id"


class UnknownEventVersion(NoCultureError):
    """A newer version of a known event: this process is older than the log it reads."""

    status, code = 500, "upgrade-needed"

    def __init__(self, type: str, version: int, known: int) -> None:
        super().__init__(
            f"{type} version {version} is newer than {known}, the newest this process knows:"
            " upgrade it"
        )


class MissingUpcaster(NoCultureError):
    """A version was declared without a way there from the one before it."""

    status, code = 500, "missing-upcaster"

    def __init__(self, type: str, version: int, newest: int) -> None:
        super().__init__(
            f"{type} has version {newest}, but nothing makes version {version} into"
            f" {version + 1}: add @REGISTRY.upcast({type!r}, {version})"
        )


class EventTooLarge(NoCultureError):
    status, code = 413, "event-too-large"

    def __init__(self, type: str, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(
            f"{type} is {size_bytes} bytes, {limit_bytes} are allowed: store the bulk as a blob "
            "and let the event hold its sha256, size and media type"
        )
