"""Mails that tell an account's owner what was changed about signing in to it: in plain words, with
what to do if it was somebody else, and without a secret.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from commands.account.address_codes import AddressCodes
from commands.command import Command
from commands.unit import Commands
from events.account.account import (
    PasskeyAdded,
    PasskeyRemoved,
    PasswordChanged,
    RecoveryCodesReplaced,
    RecoveryCodeUsed,
    SecondFactorDisabled,
    SecondFactorEnabled,
)
from events.account.key import KeyIssued, KeyRevoked
from events.envelope import Recorded
from events.times import utc_now
from gateways.ports.mail import Mailer
from processors.account.mail import MailEffect

# After a restored log or a worker that was off for days, yesterday's news would only frighten.
NEWS_FOR = timedelta(hours=24)
_TEXT = """\
{what}

This happened on {when} UTC, at {site}.

If that was you, you need not do anything.

If that was not you, somebody else can use your account:

1. Choose a new password. That signs everybody out, and you can revoke all keys there:
   {site}/forgot-password
2. Then check that the passkeys, two-step verification and the keys are yours:
   {site}/account/security
   {site}/account
"""


class SecurityNoticeMail(MailEffect):
    """One mail for each change, to the account's verified address."""

    name = "mail-security-notice"
    categories = ("account", "key")
    intents = (
        PasswordChanged,
        SecondFactorEnabled,
        SecondFactorDisabled,
        RecoveryCodesReplaced,
        RecoveryCodeUsed,
        PasskeyAdded,
        PasskeyRemoved,
        KeyIssued,
        KeyRevoked,
    )

    def __init__(
        self,
        commands: Commands,
        codes: AddressCodes,
        mailer: Mailer,
        web_url: Callable[[], str],
    ) -> None:
        self._commands, self._codes = commands, codes
        self._mailer, self._web_url = mailer, web_url

    @staticmethod
    def wants(event: Recorded) -> bool:
        """A key that went with a password is told of in the password's mail."""
        data = event.data
        if isinstance(data, KeyRevoked) and data.with_password:
            return False
        return isinstance(data, SecurityNoticeMail.intents)

    def perform(self, event: Recorded) -> Command | None:
        if utc_now() - event.recorded_at > NEWS_FOR:
            return None
        account_id = self._whose(event)
        address = account_id and self._codes.address_for_notices(account_id)
        if not address:
            return None
        subject, what = self._told(event)
        site = self._web_url().rstrip("/")
        when = f"{event.recorded_at:%Y-%m-%d, %H:%M}"
        self._mailer.send(address, subject, _TEXT.format(what=what, when=when, site=site))
        return None

    def give_up(self, event: Recorded, error: Exception) -> Command | None:
        """Nothing to say: the account's own pages show what there is."""
        return None

    def _whose(self, event: Recorded) -> str | None:
        if isinstance(event.data, KeyRevoked):
            issued = self._issued(event.data.key_id)
            return issued.account_id if issued else None
        return getattr(event.data, "account_id", None)

    def _told(self, event: Recorded) -> tuple[str, str]:
        """(subject, what happened)"""
        match event.data:
            case PasswordChanged(revoked_keys=keys):
                return "Your password was changed", _password_changed(len(keys))
            case SecondFactorEnabled():
                return (
                    "Two-step verification was turned on",
                    "From now on you sign in with your password and a code from your device.",
                )
            case SecondFactorDisabled():
                return (
                    "Two-step verification was turned off",
                    "From now on your password alone signs you in.",
                )
            case RecoveryCodesReplaced():
                return (
                    "New recovery codes were made",
                    "Your account has eight new recovery codes. The earlier ones stopped working.",
                )
            case RecoveryCodeUsed():
                return (
                    "A recovery code was used",
                    "One of your recovery codes was used instead of a code from your device."
                    " That recovery code no longer works.",
                )
            case PasskeyAdded():
                return "A passkey was added", "A new device can sign in to your account by itself."
            case PasskeyRemoved():
                return (
                    "A passkey was removed",
                    "One of your devices no longer signs in to your account.",
                )
            case KeyIssued(name=name):
                return (
                    "A key to your account was made",
                    f"A program can use your account with the new key {_named(name)}.",
                )
            case KeyRevoked(key_id=key_id):
                issued = self._issued(key_id)
                return (
                    "A key to your account was revoked",
                    f"The key {_named(issued.name if issued else None)} stopped working.",
                )
        raise TypeError(f"{event.type} is nothing to mail about")

    def _issued(self, key_id: str) -> KeyIssued | None:
        first = self._commands.log.events.stream(key_id, limit=1)
        recorded = self._commands.codec.decode(first[0]) if first else None
        data = recorded.data if recorded else None
        return data if isinstance(data, KeyIssued) else None


def _named(name: str | None) -> str:
    return f"“{name}”" if name else "without a name"


def _password_changed(keys: int) -> str:
    ended = "Your account has a new password. You were signed out everywhere else"
    if not keys:
        return f"{ended}. Keys of programs work as before."
    stopped = "the key of a program" if keys == 1 else f"{keys} keys of programs"
    return f"{ended}, and {stopped} stopped working."
