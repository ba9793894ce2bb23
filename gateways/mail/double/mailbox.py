"""Mails that have arrived: a local folder, one .eml file a mail."""

from __future__ import annotations

import re
import secrets
import time
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP
from pathlib import Path

from gateways.doubles.deliveries import write_private
from gateways.doubles.errors import NothingThere
from schemas.doubles import SentMail, SentMailText
from schemas.dto import Page

# All that Python's parser of headers raises for some malformed ones: `To: ada@`.
_UNREADABLE = (AttributeError, IndexError, TypeError, ValueError, HeaderParseError)
_ID = re.compile(r"[0-9]{1,20}-[0-9a-f]{8}")


class Mailbox:
    """Names of files begin with the time of arrival in nanoseconds, so they sort by it."""

    def __init__(self, folder: Path) -> None:
        self._folder = Path(folder)
        # Headers of the files that are there: they never change, and a search reads all of them.
        self._known: dict[str, SentMail] = {}

    def keep(self, content: bytes) -> None:
        # Links in mails sign people in, so other users of the machine may not read them.
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{time.time_ns()}-{secrets.token_hex(4)}.eml"
        write_private(self._folder / name, content)

    def page(self, to: str, before: str | None, limit: int) -> Page[SentMail]:
        """The newest first, of those whose address has `to` in it; `before` is an id."""
        wanted, found = to.casefold(), list[SentMail]()
        for mail_id in self._ids():
            if before is not None and mail_id >= before:
                continue
            mail = self._headers(mail_id)
            if mail is not None and wanted in mail.to.casefold():
                if len(found) == limit:
                    return Page(data=found, next_cursor=found[-1].id, has_more=True)
                found.append(mail)
        return Page(data=found)

    def find(self, mail_id: str) -> SentMailText:
        """Raises NothingThere."""
        if not _ID.fullmatch(mail_id):
            raise NothingThere
        try:
            content = self._path(mail_id).read_bytes()
        except FileNotFoundError:
            raise NothingThere from None
        message = message_in(content)
        body = message.get_body(("plain",))
        return SentMailText(
            **dict(_headers_of(mail_id, message)),
            text=str(body.get_content()) if body else "",
            source=content.decode("utf-8", "replace"),
        )

    def forget(self, address: str) -> int:
        """Deletes all mails to this address; answers how many."""
        found = [
            mail_id
            for mail_id in self._ids()
            if (mail := self._headers(mail_id)) and is_same(mail.to, address)
        ]
        for mail_id in found:
            self._path(mail_id).unlink(missing_ok=True)
            self._known.pop(mail_id, None)
        return len(found)

    def _ids(self) -> list[str]:
        """The newest first. Those that somebody deleted by hand are forgotten."""
        ids = sorted((path.stem for path in self._folder.glob("[0-9]*.eml")), reverse=True)
        for gone in self._known.keys() - ids:
            del self._known[gone]
        return ids

    def _headers(self, mail_id: str) -> SentMail | None:
        """None for a mail that is deleted this moment."""
        if mail_id not in self._known:
            try:
                content = self._path(mail_id).read_bytes()
            except FileNotFoundError:
                return None
            self._known[mail_id] = _headers_of(mail_id, message_in(content))
        return self._known[mail_id]

    def _path(self, mail_id: str) -> Path:
        return self._folder / f"{mail_id}.eml"


def message_in(content: bytes) -> EmailMessage:
    message = BytesParser(policy=SMTP).parsebytes(content)
    assert isinstance(message, EmailMessage)
    return message


def is_same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def _headers_of(mail_id: str, message: EmailMessage) -> SentMail:
    arrived_ns = int(mail_id.partition("-")[0])
    return SentMail(
        id=mail_id,
        sent_at=datetime.fromtimestamp(arrived_ns / 1e9, UTC),
        sender=_header(message, "From"),
        to=_header(message, "To").strip(),
        subject=_header(message, "Subject"),
    )


def _header(message: EmailMessage, name: str) -> str:
    """The header as people read it, or as it stands where it breaks the parser: one such file would
    hide all others, and hold up every erasure.
    """
    try:
        return str(message[name] or "")
    except _UNREADABLE:
        raw = next(value for known, value in message.raw_items() if known.lower() == name.lower())
        return str(raw).encode("ascii", "replace").decode()
