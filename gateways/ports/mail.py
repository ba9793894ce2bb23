"""Mail to people."""

from __future__ import annotations

from typing import Protocol


class Mailer(Protocol):
    def send(self, to: str, subject: str, text: str) -> None: ...

    def forget(self, address: str) -> None:
        """Delete what is kept here of mails to this address."""
        ...
