from __future__ import annotations

import email
import stat
from email.policy import default
from pathlib import Path

import pytest

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


def test_no_header_is_smuggled_in() -> None:
    with pytest.raises(ValueError):
        message_of("a@localhost", "a@example.com", "Hi\r\nBcc: all@example.com", "text")
