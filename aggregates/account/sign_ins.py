"""The sign-ins of one account: nothing is decided here, they are only told.

They are a stream of their own, so that an account that signs in for years loads as fast as ever.
"""

from __future__ import annotations

from dataclasses import dataclass

from aggregates.decision import Decision
from events.account.sign_in import Means, Refusal, SignedIn, SignInRefused
from events.ids import AccountId, SignInsId
from events.model import Event

STORED_AS = "aggregates.sign_ins"


@dataclass(frozen=True, slots=True)
class SignIns:
    """State of an account that has sign-ins: none of them is remembered."""


def accept(
    sign_ins: SignIns | None, stream_id: SignInsId, *, account_id: AccountId, by: Means
) -> Decision:
    return Decision(SignedIn(account_id=account_id, by=by))


def refuse(
    sign_ins: SignIns | None,
    stream_id: SignInsId,
    *,
    account_id: AccountId,
    reasons: tuple[Refusal, ...],
    count: int,
) -> Decision:
    return Decision(SignInRefused(account_id=account_id, reasons=reasons, count=count))


def evolve(sign_ins: SignIns | None, event: Event) -> SignIns | None:
    match event:
        case SignedIn() | SignInRefused():
            return SignIns()
        case _:
            return sign_ins
