"""Mails that events ask for. Their links are made as they are sent, so events hold no secret."""

from __future__ import annotations

from collections.abc import Callable

from commands.account.address_codes import CODE_LIFE, AddressCodes
from commands.account.erasure_links import LINK_LIFE, ErasureLinks
from commands.account.reset_links import RESET_LIFE, ResetLinks
from commands.command import Command
from events.account.account import AccountRegistered, AddressCodeRequested, PasswordResetRequested
from events.account.party import PartyErasureLinkRequested
from events.envelope import Recorded
from events.times import utc_now
from gateways.ports.mail import Mailer
from processors.effects.effect import Effect

_SUBJECT = "Choose a new password"
_TEXT = """\
You asked for a new password at {site}.

Choose it here, within an hour:

{link}

The link works once. If you did not ask for it, do nothing: your password does not change.
"""


class MailEffect(Effect):
    """A mail that an event asks for. All mails wait for one server: two at once, so that one
    address that keeps it busy does not hold up the next mail.
    """

    server, cap = "mail", 2
    # With pauses of 2, 4, 6 … s some two minutes: who waits for the mail has asked again by then.
    max_attempts = 10


class PasswordResetMail(MailEffect):
    """A link that sets a new password, to the address of the account."""

    name = "mail-password-reset"
    categories = ("account",)
    intents = (PasswordResetRequested,)

    def __init__(self, links: ResetLinks, mailer: Mailer, web_url: Callable[[], str]) -> None:
        self._links, self._mailer, self._web_url = links, mailer, web_url

    @staticmethod
    def wants(event: Recorded) -> bool:
        return isinstance(event.data, PasswordResetRequested)

    def perform(self, event: Recorded) -> Command | None:
        """Nothing, when it comes so late (a worker that was off, a restored log) that nobody
        waits for it.
        """
        assert isinstance(event.data, PasswordResetRequested)
        if utc_now() - event.recorded_at > RESET_LIFE:
            return None
        made = self._links.make(event.data.account_id)
        if made is not None:
            address, token = made
            site = self._web_url().rstrip("/")
            link = f"{site}/reset-password/{token}"
            self._mailer.send(address, _SUBJECT, _TEXT.format(site=site, link=link))
        return None

    def give_up(self, event: Recorded, error: Exception) -> Command | None:
        """Nothing to say: the owner asks again."""
        return None


_CODE_SUBJECT = "Your code for NoCulture"
_CODE_TEXT = """\
You gave this address for an account at {site}.

Type this code on the account's page, within a day:

    {code}

{site}/account

If that was not you, do nothing: without the code we mail nothing in your name.
"""


class AddressCodeMail(MailEffect):
    """The code that shows that mails to the address of an account arrive."""

    name = "mail-address-code"
    categories = ("account",)
    intents = (AccountRegistered, AddressCodeRequested)

    def __init__(self, codes: AddressCodes, mailer: Mailer, web_url: Callable[[], str]) -> None:
        self._codes, self._mailer, self._web_url = codes, mailer, web_url

    @staticmethod
    def wants(event: Recorded) -> bool:
        return isinstance(event.data, (AccountRegistered, AddressCodeRequested))

    def perform(self, event: Recorded) -> Command | None:
        """Nothing, when it comes so late that nobody waits for it."""
        assert isinstance(event.data, (AccountRegistered, AddressCodeRequested))
        if utc_now() - event.recorded_at > CODE_LIFE:
            return None
        made = self._codes.make(event.data.account_id)
        if made is not None:
            address, code = made
            site = self._web_url().rstrip("/")
            self._mailer.send(address, _CODE_SUBJECT, _CODE_TEXT.format(site=site, code=code))
        return None

    def give_up(self, event: Recorded, error: Exception) -> Command | None:
        """Nothing to say: the owner asks again."""
        return None


_FORGET_SUBJECT = "Be forgotten"
_FORGET_TEXT = """\
You asked us to forget this address at {site}.

Confirm it here, within a day:

{link}

Your name and address are then made unreadable wherever somebody has named you, for good. You get a
certificate as proof. The link works once. If you did not ask for it, do nothing.
"""


class ErasureLinkMail(MailEffect):
    """A link to be forgotten, to the address of somebody without an account."""

    name = "mail-erasure-link"
    categories = ("party",)
    intents = (PartyErasureLinkRequested,)

    def __init__(self, links: ErasureLinks, mailer: Mailer, web_url: Callable[[], str]) -> None:
        self._links, self._mailer, self._web_url = links, mailer, web_url

    @staticmethod
    def wants(event: Recorded) -> bool:
        return isinstance(event.data, PartyErasureLinkRequested)

    def perform(self, event: Recorded) -> Command | None:
        """Nothing, when it comes so late that nobody waits for it."""
        assert isinstance(event.data, PartyErasureLinkRequested)
        if utc_now() - event.recorded_at > LINK_LIFE:
            return None
        made = self._links.make(event.data.party_id)
        if made is not None:
            address, token = made
            site = self._web_url().rstrip("/")
            text = _FORGET_TEXT.format(site=site, link=f"{site}/forget-me/{token}")
            self._mailer.send(address, _FORGET_SUBJECT, text)
        return None

    def give_up(self, event: Recorded, error: Exception) -> Command | None:
        """Nothing to say: who wants it asks again."""
        return None
