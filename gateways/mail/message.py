"""A mail as every adapter sends it."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid


def message_of(sender: str, to: str, subject: str, text: str) -> EmailMessage:
    """Line breaks in `to` or `subject` raise ValueError: they could smuggle headers in. So does a
    `to` that is read as another address, as one in encoded words is.
    """
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = sender, to, subject
    if str(message["To"]) != to:
        raise ValueError("the mail would go to another address")
    message["Date"] = formatdate()
    # The sender's domain: by default the id would tell the machine's name.
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2].strip("> "))
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    return message


def as_sent(message: EmailMessage) -> bytes:
    """The message as it travels: in UTF-8 where an address needs it (RFC 6532), as smtplib does. An
    address in encoded words is none.
    """
    needs_utf8 = not f"{message['From']}{message['To']}".isascii()
    return message.as_bytes(policy=SMTP.clone(utf8=needs_utf8))
