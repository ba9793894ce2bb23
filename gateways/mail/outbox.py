"""Mail into a local folder, one .eml file a message, for a machine without a mail server."""

from __future__ import annotations

import os
import secrets
import time
from email.parser import BytesParser
from email.policy import SMTP
from pathlib import Path

from gateways.mail.message import message_of


class OutboxMailer:
    def __init__(self, folder: Path, sender: str = "noculture@localhost") -> None:
        self._folder, self._sender = Path(folder), sender

    def send(self, to: str, subject: str, text: str) -> None:
        """Line breaks in `to` or `subject` raise ValueError: they could smuggle headers in."""
        message = message_of(self._sender, to, subject, text)
        # Links in mails sign people in, so other users of the machine may not read them.
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{time.time_ns()}-{secrets.token_hex(4)}.eml"
        unfinished = self._folder / f".{name}"
        descriptor = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(message.as_bytes())
        unfinished.replace(self._folder / name)

    def forget(self, address: str) -> None:
        for path in self._folder.glob("*.eml"):
            with path.open("rb") as file:
                message = BytesParser(policy=SMTP).parse(file, headersonly=True)
            if str(message["To"]).strip().casefold() == address.casefold():
                path.unlink(missing_ok=True)
