"""Mails to somebody are found again however their address is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateways.mail.outbox import OutboxMailer


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
    mailer = OutboxMailer(tmp_path)
    mailer.send(address, "Hello", "you")
    mailer.send("eve@example.org", "Hello", address)
    mailer.forget(address.swapcase())
    (kept,) = tmp_path.glob("*.eml")
    assert b"To: eve@example.org" in kept.read_bytes()
