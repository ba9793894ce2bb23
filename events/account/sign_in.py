"""Sign-ins, accepted and refused: beside the account, in a stream of their own."""

from __future__ import annotations

from typing import Literal

from pydantic import PositiveInt

from events.ids import AccountId
from events.model import Event

Means = Literal["password", "second-factor", "passkey", "link"]
Refusal = Literal["wrong-password", "wrong-code", "too-many-guesses"]


class SignedIn(Event, type="account.signed_in", version=1):
    """A browser was signed in by these means; signing up is told by the account itself."""

    account_id: AccountId
    by: Means


class SignInRefused(Event, type="account.sign_in_refused", version=1):
    """Somebody tried to sign in and was refused, so often since this was told last.

    It is told once a minute at most, so that a flood of guesses does not fill the log.
    """

    account_id: AccountId
    reasons: tuple[Refusal, ...]
    count: PositiveInt
