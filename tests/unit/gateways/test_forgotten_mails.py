"""Mails to somebody are found again however their address is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateways.mail.by_double import DoubleMailer
from gateways.mail.double.kept import KeptMails
from schemas.doubles import Script, Trouble
from tests.fixtures.doubles import WithoutSocket, mails_in

SENDER = "noculture@localhost"


def mailer_to(folder: Path) -> tuple[DoubleMailer, WithoutSocket]:
    client = WithoutSocket(mails_in(folder))
    return DoubleMailer(client, SENDER, forget_alone=pytest.fail), client


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.org",
        "Ada.Lovelace+tag@Example.ORG",
        "ädä@exämple.org",
        f"{'long' * 15}@{'very-' * 11}long.{'very-' * 11}long.example.org",
        '"quoted local"@example.org',
    ],
)
def test_all_mails_to_an_address_go_and_no_others(tmp_path: Path, address: str):
    mailer, _ = mailer_to(tmp_path)
    mailer.send(address, "Hello", "you")
    mailer.send("eve@example.org", "Hello", address)
    mailer.forget(address.swapcase())
    (kept,) = (tmp_path / "outbox").glob("*.eml")
    assert b"To: eve@example.org" in kept.read_bytes()


@pytest.mark.parametrize("kind", ["late", "reordered"])
def test_a_mail_that_would_still_arrive_is_forgotten_too(tmp_path: Path, kind: str):
    mailer, double = mailer_to(tmp_path)
    double.follow(Script(troubles=(Trouble(kind=kind, times=2),)))
    mailer.send("ada@example.org", "Hello", "you")
    mailer.send("eve@example.org", "Hello", "you")
    mailer.forget("ada@example.org")
    (held,) = (tmp_path / "own" / "held").iterdir()
    assert b"To: eve@example.org" in held.read_bytes()


def test_where_no_double_has_run_its_files_are_looked_through(tmp_path: Path):
    mailer, _ = mailer_to(tmp_path)
    mailer.send("ada@example.org", "Hello", "you")
    assert KeptMails(tmp_path / "own", tmp_path / "outbox").forget("ada@example.org") == 1
    assert list((tmp_path / "outbox").iterdir()) == []
