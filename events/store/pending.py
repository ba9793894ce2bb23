"""The input of an append and its result."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from events.claims import Claim
from events.errors import NoCultureError


# Not frozen, for speed: setting ten frozen fields took 4 of the 60 µs of a command.
@dataclass(slots=True, kw_only=True)
class PendingEvent:
    """An event on its way into the log; `stream_version` is the one it will have.

    `data` is already the exact bytes to hash and store: encoding happens on the caller's thread.
    """

    event_id: str
    stream_id: str
    stream_version: int
    category: str
    type: str
    version: int
    effective_at: datetime
    data: bytes
    takes: tuple[Claim, ...] = ()
    releases: tuple[Claim, ...] = ()


@dataclass(slots=True, kw_only=True)
class Append:
    """All that one command changes: committed as a whole or not at all.

    `about` is the stream that its answer names, the first event's if nothing is said.
    """

    command_id: str
    input_hash: bytes
    actor: str | None
    tenant: str
    correlation_id: str
    causation_id: str | None
    events: tuple[PendingEvent, ...]
    about: str | None = None

    @property
    def exclusive(self) -> frozenset[tuple[str, str, str]]:
        """Lists what two appends of one group may not share: command, streams, claim keys."""
        claims = {
            ("claim " + c.kind, c.scope_in(self.tenant), c.key)
            for event in self.events
            for c in event.takes + event.releases
        }
        streams = {("stream", "", event.stream_id) for event in self.events}
        return frozenset(claims | streams | {("command", "", self.command_id)})


@dataclass(frozen=True, slots=True)
class Committed:
    """The first event's stream at the version it reached, and the last position of the append."""

    stream_id: str
    stream_version: int
    position: int
    replayed: bool = False


class VersionConflict(NoCultureError):
    status, code = 409, "version-conflict"

    def __init__(self, stream_id: str, expected: int, current: int) -> None:
        super().__init__(
            f"{stream_id} is at version {current}, not {expected}:"
            " read it again and repeat the change"
        )
        self.stream_id, self.current = stream_id, current


class ClaimTaken(NoCultureError):
    """Another stream holds what was claimed.

    `holder` and `until` (None = for ever) say who and how long.
    """

    status, code = 409, "claim-taken"

    def __init__(self, kind: str, key: str, holder: str, until: str | None) -> None:
        super().__init__(f"{kind} is held by {holder}" + (f" until {until}" if until else ""))
        self.kind, self.key, self.holder, self.until = kind, key, holder, until

    @property
    def details(self) -> dict[str, object]:
        return {"kind": self.kind, "holder": self.holder, "until": self.until}


class ClaimNotHeld(NoCultureError):
    status, code = 409, "claim-not-held"

    def __init__(self, kind: str) -> None:
        super().__init__(f"A {kind} was to be released that this stream does not hold")


class ForeignStream(NoCultureError):
    status, code = 404, "not-found"

    def __init__(self, stream_id: str) -> None:
        super().__init__(f"{stream_id} does not exist here: check the address")


class InputMismatch(NoCultureError):
    status, code = 422, "idempotency-mismatch"

    def __init__(self) -> None:
        super().__init__(
            "This Idempotency-Key was used with other input: use a new key for a new request"
        )


class StoreBusy(NoCultureError):
    status, code = 503, "store-busy"
    retry_after_s = 1

    def __init__(self) -> None:
        super().__init__("The store takes no more writes at the moment: try again in a second")
