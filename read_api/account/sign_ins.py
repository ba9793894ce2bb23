"""The last sign-ins of an account, for its owner: whoever is seen there has the password too."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal, Protocol

from events.envelope import Envelope
from events.ids import SignInsId
from kit.caller import Caller
from schemas.dto import Dto, Timestamp

SHOWN = 20


class SignInDto(Dto):
    """`by` is how somebody came in; `count` is how often somebody was refused since the last time.

    `reasons` say why: `wrong-password`, `wrong-code`, `too-many-guesses`.
    """

    at: Timestamp
    outcome: Literal["accepted", "refused"]
    by: str | None = None
    count: int = 1
    reasons: list[str] = []


class Stream(Protocol):
    """`events.store.postgres.Events.stream`"""

    def __call__(self, stream_id: str, *, newest_first: bool, limit: int) -> Sequence[Envelope]: ...


class SignInQueries:
    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def last(self, caller: Caller) -> list[SignInDto]:
        """Newest first; of the log itself, for nothing of it is personal."""
        stream_id = SignInsId.beside(caller.account_id)
        return [_shown(each) for each in self._stream(stream_id, newest_first=True, limit=SHOWN)]


def _shown(envelope: Envelope) -> SignInDto:
    data = json.loads(envelope.data)
    return SignInDto(
        at=envelope.recorded_at,
        outcome="accepted" if envelope.type == "account.signed_in" else "refused",
        by=data.get("by"),
        count=data.get("count", 1),
        reasons=data.get("reasons", []),
    )
