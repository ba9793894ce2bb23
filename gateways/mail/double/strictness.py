"""Refuses mails as a strict server does."""

from __future__ import annotations

from email.message import Message
from email.parser import Parser
from email.policy import compat32

import email_validator
from email_validator import EmailNotValidError, validate_email

from schemas.errors import NoCultureError

# As at the sign-up: a server for mail within a house takes `ada@studio.local`.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()
# RFC 5321 §4.5.3.1.6, without the line's end.
MAX_LINE_BYTES = 998
ONCE = ("From", "To", "Date", "Subject", "Message-ID")


class MailMalformed(NoCultureError):
    status, code = 422, "mail-malformed"

    def __init__(self, why: str) -> None:
        super().__init__(f"This mail is refused: {why}")


class AddressMalformed(NoCultureError):
    """The address is not quoted: whoever keeps the text of the error would keep it too."""

    status, code = 422, "address-malformed"

    def __init__(self, header: str) -> None:
        super().__init__(f"The address in {header} is none: see how it is written")


def check(content: bytes) -> None:
    """Raises MailMalformed, AddressMalformed."""
    _check_lines(content)
    try:
        # Not the policy of `message_in`: its headers raise IndexError for `To: ada@`.
        message = Parser(policy=compat32).parsestr(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise MailMalformed("it is no UTF-8 (RFC 6532)") from None
    if message.defects:
        raise MailMalformed(f"{type(message.defects[0]).__name__} (RFC 5322)")
    for header in ONCE:
        if len(message.get_all(header, [])) != 1:
            raise MailMalformed(f"it must have exactly one {header}")
    _check_address(message, "From", everywhere=False)
    _check_address(message, "To", everywhere=True)


def _check_lines(content: bytes) -> None:
    lines = content.split(b"\r\n")
    # A bare line feed ends a line for some servers only: mails were smuggled by it in 2023.
    if any(b"\n" in line or b"\r" in line or b"\0" in line for line in lines):
        raise MailMalformed("lines end with CRLF, and neither CR, LF nor NUL stands alone")
    if max(map(len, lines)) > MAX_LINE_BYTES:
        raise MailMalformed(f"a line has more than {MAX_LINE_BYTES} bytes")


def _check_address(message: Message, header: str, *, everywhere: bool) -> None:
    """`everywhere`: it must be one that mail can reach from any machine."""
    try:
        validate_email(
            str(message[header]).strip(),
            strict=True,
            check_deliverability=False,
            globally_deliverable=everywhere,
            allow_quoted_local=True,
            allow_display_name=True,
        )
    except EmailNotValidError:
        raise AddressMalformed(header) from None
