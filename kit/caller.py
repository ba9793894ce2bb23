"""Who is asking: what authentication found out, handed to every handler and query."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Caller:
    """`scopes` of a session is {"*"}: all the account itself may do.

    `operator` is the account's right.
    """

    account_id: str
    workspace_id: str
    scopes: frozenset[str] = field(default_factory=lambda: frozenset({"*"}))
    operator: bool = False
    session_id: str | None = None
    csrf_token: str | None = None

    def may(self, scope: str) -> bool:
        if scope == "operator":
            return self.operator and ("operator" in self.scopes or "*" in self.scopes)
        return "*" in self.scopes or scope in self.scopes
