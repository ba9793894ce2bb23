"""The caller that authentication found, handed to every handler and query."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum


class Proof(IntEnum):
    """How surely it is still the owner: by nothing fresh, by one factor, by all of the account."""

    NONE = 0
    ONE = 1
    ALL = 2


@dataclass(frozen=True, slots=True)
class Caller:
    """`scopes` of a session is {"*"}: all the account itself may do.

    `operator` is the account's right. It rests while `factor_missing`: the installation asks two
    factors of operators, and `second_factor` says that two stand behind this session or key.
    `proof` is what the session or key was proven with within the last minutes (`kit/proof.py`).
    """

    account_id: str
    workspace_id: str
    scopes: frozenset[str] = field(default_factory=lambda: frozenset({"*"}))
    operator: bool = False
    session_id: str | None = None
    csrf_token: str | None = None
    key_id: str | None = None
    second_factor: bool = False
    factor_missing: bool = False
    proof: Proof = Proof.NONE

    @property
    def holder(self) -> str:
        """The id of the session or key that speaks for the account."""
        return self.session_id or self.key_id or ""

    def holds(self, scope: str) -> bool:
        """Whether it was given the scope, whatever the account itself may do."""
        return "*" in self.scopes or scope in self.scopes

    def may(self, scope: str) -> bool:
        if scope == "operator":
            return self.operator and not self.factor_missing and self.holds(scope)
        return self.holds(scope)
