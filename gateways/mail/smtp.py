"""Mail by a server: STARTTLS, TLS from the start, or plain for a relay on the same machine."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from typing import Literal

from gateways.mail.message import message_of

TIMEOUT_S = 20.0
Security = Literal["starttls", "tls", "none"]


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Without a `username` nobody signs in to it."""

    host: str
    port: int
    security: Security = "starttls"
    username: str = ""
    password: str = ""


class SmtpMailer:
    def __init__(self, server: SmtpServer, sender: str) -> None:
        self._server, self._sender = server, sender

    def send(self, to: str, subject: str, text: str) -> None:
        """Raises smtplib.SMTPException and OSError: whoever asked tries again later.

        Line breaks in `to` or `subject` raise ValueError: they could smuggle headers in.
        """
        message = message_of(self._sender, to, subject, text)
        with self._connected() as connection:
            if self._server.security == "starttls":
                connection.starttls(context=ssl.create_default_context())
            if self._server.username:
                connection.login(self._server.username, self._server.password)
            connection.send_message(message)

    def forget(self, address: str) -> None:
        """Nothing is kept here of a mail that was handed on."""

    def _connected(self) -> smtplib.SMTP:
        host, port = self._server.host, self._server.port
        if self._server.security == "tls":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_S, context=context)
        return smtplib.SMTP(host, port, timeout=TIMEOUT_S)
