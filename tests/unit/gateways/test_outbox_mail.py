from __future__ import annotations

import email
import stat
from email.policy import default
from pathlib import Path

import pytest

from commands.account.logins import valid_email
from gateways.mail.double.mailbox import Mailbox
from gateways.mail.message import message_of


def test_a_mail_is_one_private_file_that_mail_programs_read(tmp_path: Path) -> None:
    folder = tmp_path / "outbox"
    message = message_of("a@localhost", "ada@example.com", "Grüße", "Der Link: http://x/y\n")
    Mailbox(folder).keep(message.as_bytes())
    (path,) = folder.iterdir()
    assert path.suffix == ".eml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    message = email.message_from_bytes(path.read_bytes(), policy=default)
    assert (message["To"], message["Subject"]) == ("ada@example.com", "Grüße")
    assert message.get_content().strip() == "Der Link: http://x/y"


@pytest.mark.parametrize(
    "address", ["=?utf-8?q?ben?=@example.org", "=?utf-8?q?ben=40evil.example=2c?=@example.org"]
)
def test_an_address_in_encoded_words_is_none_and_nobody_else_gets_its_mails(address: str) -> None:
    """Mail programs read `=?utf-8?q?ben?=@example.org` as `ben@example.org`."""
    with pytest.raises(ValueError, match="another address"):
        message_of("a@localhost", address, "Hi", "text")
    with pytest.raises(ValueError, match="encoded words"):
        valid_email(address)


def test_no_header_is_smuggled_in() -> None:
    with pytest.raises(ValueError):
        message_of("a@localhost", "a@example.com", "Hi\r\nBcc: all@example.com", "text")


@pytest.mark.parametrize("to", ["ada@", "=?utf-8?q?ada=0d=0aBcc=3a?=@example.org", "ad\udcffa@"])
def test_one_unreadable_file_hides_no_other_and_holds_up_no_erasure(
    tmp_path: Path, to: str
) -> None:
    """The page of all mails was broken by it."""
    mailbox = Mailbox(tmp_path)
    mailbox.keep(b"To: " + to.encode("utf-8", "surrogateescape") + b"\r\nSubject: Odd\r\n\r\n")
    mailbox.keep(message_of("a@localhost", "ben@example.org", "Hello", "text").as_bytes())
    shown = mailbox.page("", None, 10)
    assert [mail.subject for mail in shown.data] == ["Hello", "Odd"]
    assert mailbox.find(shown.data[1].id).model_dump_json()
    assert mailbox.forget("ben@example.org") == 1
