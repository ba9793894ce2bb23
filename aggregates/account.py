"""Rules of one account. The password never comes here: only the fact that there is one."""

from __future__ import annotations

from dataclasses import dataclass, replace

from aggregates.decision import Decision
from aggregates.errors import AlreadyExists, NotFound
from events.account import AccountRegistered, OperatorGranted, PasswordChanged
from events.claims import Claim
from events.ids import AccountId, WorkspaceId
from events.model import Event

EMAIL_CLAIM = "account-email"
FOUNDER_CLAIM = "founder"


@dataclass(frozen=True, slots=True)
class Account:
    workspace_id: WorkspaceId
    operator: bool = False


def register(
    nothing: Account | None,
    *,
    account_id: AccountId,
    workspace_id: WorkspaceId,
    email: str,
    name: str,
    email_key: str,
    founder: bool,
) -> Decision:
    """Open an account. `email_key` is the e-mail's HMAC: the address itself is no claim key.

    A taken address is a lost claim (409). The `founder`, first of the installation, is its
    operator.
    """
    if nothing is not None:
        raise AlreadyExists("The account")
    registered = AccountRegistered(
        account_id=account_id, workspace_id=workspace_id, email=email, name=name
    )
    email_claim = Claim(EMAIL_CLAIM, email_key, scope="global")
    if not founder:
        return Decision(registered, takes=(email_claim,))
    return Decision(
        registered,
        OperatorGranted(account_id=account_id),
        takes=(email_claim, Claim(FOUNDER_CLAIM, "installation", scope="global")),
    )


def grant_operator(account: Account | None, *, account_id: AccountId) -> Decision:
    """Let the account see and repair the installation."""
    if account is None:
        raise NotFound("The account")
    if account.operator:
        return Decision()
    return Decision(OperatorGranted(account_id=account_id))


def change_password(account: Account | None, *, account_id: AccountId) -> Decision:
    if account is None:
        raise NotFound("The account")
    return Decision(PasswordChanged(account_id=account_id))


def evolve(account: Account | None, event: Event) -> Account | None:
    match event:
        case AccountRegistered():
            return Account(event.workspace_id)
        case OperatorGranted() if account is not None:
            return replace(account, operator=True)
        case _:
            return account
