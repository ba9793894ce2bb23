"""All mails that the double has, wherever they are on their way."""

from __future__ import annotations

from pathlib import Path

from gateways.doubles.deliveries import Deliveries
from gateways.mail.double.mailbox import Mailbox, is_same, message_in


class KeptMails:
    """All that a mail double has: mails that arrived, in `outbox`, and those on their way, below
    `folder`.
    """

    def __init__(self, folder: Path, outbox: Path) -> None:
        self.mailbox = Mailbox(outbox)
        self.deliveries = Deliveries(folder / "held", self.mailbox.keep)

    def forget(self, address: str) -> int:
        """Deletes all mails to this address, also those that would arrive later."""
        held = self.deliveries.forget(lambda mail: is_same(str(message_in(mail)["To"]), address))
        return held + self.mailbox.forget(address)
