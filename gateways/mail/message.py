"""A mail as every adapter sends it."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid


def message_of(sender: str, to: str, subject: str, text: str) -> EmailMessage:
    """Line breaks in `to` or `subject` raise ValueError: they could smuggle headers in."""
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Date"] = formatdate()
    # The sender's domain: by default the id would tell the machine's name.
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2].strip("> "))
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    return message
