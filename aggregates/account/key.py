"""Rules of one API key."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from aggregates.decision import Decision
from aggregates.errors import AlreadyExists, NotFound
from events.account.key import KeyIssued, KeyRevoked
from events.errors import NoCultureError
from events.ids import AccountId, KeyId
from events.model import Event

STORED_AS = "aggregates.key"


class UnknownScope(NoCultureError):
    status, code = 422, "unknown-scope"

    def __init__(self, scope: str, known: Collection[str]) -> None:
        super().__init__(f"{scope!r:.60} is no scope; known are {', '.join(known)}")


class ScopeExceedsAccount(NoCultureError):
    status, code = 403, "scope-exceeds-account"

    def __init__(self) -> None:
        super().__init__("Only an operator's key may hold the scope operator: ask an operator")


@dataclass(frozen=True, slots=True)
class Key:
    account_id: AccountId
    revoked: bool = False


def issue(
    nothing: Key | None,
    key_id: KeyId,
    *,
    account_id: AccountId,
    name: str,
    scopes: tuple[str, ...],
    known: Collection[str],
    hint: str,
    operator: bool,
) -> Decision:
    """Gives a program a key; `known` are all scopes there are. Refuses UnknownScope (422) and
    ScopeExceedsAccount (403).
    """
    if nothing is not None:
        raise AlreadyExists("The key")
    for scope in scopes:
        if scope not in known:
            raise UnknownScope(scope, known)
    if "operator" in scopes and not operator:
        raise ScopeExceedsAccount
    return Decision(
        KeyIssued(key_id=key_id, account_id=account_id, name=name, scopes=scopes, hint=hint)
    )


def revoke(
    key: Key | None, key_id: KeyId, *, account_id: AccountId, with_password: bool = False
) -> Decision:
    """End a key. Another account's key does not exist for the caller."""
    if key is None or key.account_id != account_id:
        raise NotFound("The key")
    if key.revoked:
        return Decision()
    return Decision(KeyRevoked(key_id=key_id, with_password=with_password))


def evolve(key: Key | None, event: Event) -> Key | None:
    match event:
        case KeyIssued():
            return Key(event.account_id)
        case KeyRevoked() if key is not None:
            return Key(key.account_id, revoked=True)
        case _:
            return key
