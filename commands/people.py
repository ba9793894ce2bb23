"""People with an account here, as commands of one area ask another's for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from events.claims import Claim
from events.ids import AccountId


@dataclass(frozen=True, slots=True)
class Person:
    """`address` is the claim that the account holds until its erasure is asked for: a commit that
    requires it (`Unit.while_held`) gives nothing to somebody who is leaving.
    """

    account_id: AccountId
    address: Claim


class FindPerson(Protocol):
    """None for nobody, and for an address that its account has not proven."""

    def __call__(
        self, *, account_id: str | None = None, email: str | None = None
    ) -> Person | None: ...
