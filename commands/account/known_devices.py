"""Devices that an account knows: a signed cookie of each browser that has signed in to it.

Guesses of a known device are counted for itself alone, so no stranger can make it wait. The cookie
tells nothing of the account and opens nothing; a new password and an erasure end it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from fastapi import Request, Response

from commands.account.logins import Login, Logins
from kit import asking, cookies
from kit.limits import client_address
from kit.tokens import Signer

COOKIE = "noculture_device"
LIFE_S = 365 * 24 * 3600
# Several people may share a browser: whoever signed in longest ago is forgotten.
MOST_ACCOUNTS = 5
_BETWEEN = "~"


@dataclass(frozen=True, slots=True)
class _Entry:
    """`seal` says that we made the name; `tag` that the account knows the device by it."""

    name: str
    seal: str
    tag: str

    def __str__(self) -> str:
        return f"{self.name}.{self.seal}.{self.tag}"


class Devices:
    def __init__(self, logins: Logins, signer: Signer) -> None:
        self._logins, self._signer = logins, signer

    def remember(
        self, request: Request, response: Response, account_id: str, *, mailed: bool = False
    ) -> None:
        """From now on the account knows this browser.

        `mailed`: by a link to the account's address alone. Such devices have one name, so that
        another link gives no new guesses of the second factor.
        """
        login = self._logins.of_account(account_id)
        if login is None:
            return
        entries = self._entries(request)
        known = next((each for each in entries if self._knows(login, each)), None)
        if mailed:
            name = "mail-" + self._signer.tag("device-of-mail", account_id)[:16]
        else:
            name = known.name if known is not None else secrets.token_urlsafe(12)
        made = _Entry(name, self._seal(name), self._tag(login, name))
        kept = [each for each in entries if each not in (known, made)][: MOST_ACCOUNTS - 1]
        cookies.set_lasting(
            request, response, COOKIE, _BETWEEN.join(map(str, [made, *kept])), LIFE_S
        )

    def known(self, account_id: str) -> str | None:
        """The device or session from which the owner asks now, as the request proves it; None for
        a stranger, and for an account that does not exist.
        """
        request = asking.request()
        if request is None:
            return None
        caller = asking.caller()
        if caller is not None and caller.account_id == account_id:
            return f"holder {caller.holder}"
        entries = self._entries(request)
        login = self._logins.of_account(account_id) if entries else None
        if login is None:
            return None
        return next((f"device {each.name}" for each in entries if self._knows(login, each)), None)

    def stranger(self, request: Request) -> str:
        """Whom to count a request as that nobody has signed in for: a browser that has signed in
        here before, or else the network. So neighbours do not use up what the others have.
        """
        entries = self._entries(request)
        return f"device {entries[0].name}" if entries else client_address(request)

    def crowd(self, request: Request) -> str:
        """Whom such a request waits in line as: the browsers of a network that have signed in here
        before are one crowd, all others of it another.
        """
        network = client_address(request).whole
        return f"{network} known" if self._entries(request) else network

    def _entries(self, request: Request) -> list[_Entry]:
        """Those that we made, whatever account they are of."""
        parts = cookies.lasting(request, COOKIE).split(_BETWEEN, MOST_ACCOUNTS)[:MOST_ACCOUNTS]
        split = [part.split(".") for part in parts]
        entries = [_Entry(*each) for each in split if len(each) == 3]
        return [each for each in entries if self._signer.fits("device-name", each.name, each.seal)]

    def _knows(self, login: Login, entry: _Entry) -> bool:
        return self._signer.fits("device", _text(login, entry.name), entry.tag)

    def _seal(self, name: str) -> str:
        return self._signer.tag("device-name", name)

    def _tag(self, login: Login, name: str) -> str:
        return self._signer.tag("device", _text(login, name))


def _text(login: Login, name: str) -> str:
    # A new password makes the devices of the old one strangers.
    return f"{login.account_id}\x1f{name}\x1f{login.password_hash}"
