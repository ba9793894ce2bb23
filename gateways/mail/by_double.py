"""Mail where no server is named: sent to the mail double, and read there."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import quote, urlencode

from gateways.doubles.client import DoubleClient
from gateways.doubles.errors import DoubleNotThere, DoubleRefused, NothingThere
from gateways.mail.message import as_sent, message_of
from schemas.doubles import SentMail, SentMailText
from schemas.dto import Page

MESSAGE = "message/rfc822"


class DoubleMailer:
    """`forget_alone` deletes the mails to an address where no double runs."""

    def __init__(
        self, double: DoubleClient, sender: str, forget_alone: Callable[[str], object]
    ) -> None:
        self._double, self._sender, self._forget_alone = double, sender, forget_alone

    def send(self, to: str, subject: str, text: str) -> None:
        """Raises DoubleNotThere, DoubleSilent, DoubleRefused: whoever asked tries again later.

        Line breaks in `to` or `subject` raise ValueError: they could smuggle headers in.
        """
        message = message_of(self._sender, to, subject, text)
        self._double.ask("POST", "/messages", as_sent(message), MESSAGE)

    def forget(self, address: str) -> None:
        """Through the double, so that it comes behind all that the double was sent before. An
        erasure does not wait for somebody to start one: where none runs, none writes. Raises
        DoubleSilent, DoubleRefused.
        """
        try:
            self._double.ask("POST", "/forgotten", json.dumps({"address": address}).encode())
        except DoubleNotThere:
            self._forget_alone(address)


class SentMails:
    """Mails as an operator reads them."""

    def __init__(self, double: DoubleClient) -> None:
        self._double = double

    def page(self, to: str, before: str | None) -> Page[SentMail]:
        """The newest first, of those whose address has `to` in it. Raises DoubleNotThere."""
        asked = {"to": to} | ({} if before is None else {"before": before})
        return Page[SentMail].model_validate_json(
            self._double.ask("GET", f"/messages?{urlencode(asked)}")
        )

    def find(self, mail_id: str) -> SentMailText:
        """Raises NothingThere, DoubleNotThere."""
        try:
            content = self._double.ask("GET", f"/messages/{quote(mail_id, safe='')}")
        except DoubleRefused as refused:
            if refused.status_code == 404:
                raise NothingThere from None
            raise
        return SentMailText.model_validate_json(content)
