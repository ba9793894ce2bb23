"""A forgotten password: from the request by way of the mail to the new one."""

from __future__ import annotations

import email
import re
import time
from collections.abc import Iterator
from email.policy import default
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from commands.account.recovery import ANSWERED_AFTER_S
from tests.conftest import Database
from tests.integration.account.erasure.house import House, eventually, open_house

NEW = "another long password"


@pytest.fixture
def house(database: Database, tmp_path: Path) -> Iterator[House]:
    with open_house(database, tmp_path) as house, house.worker():
        yield house
        house.app.state.close()


def ask(house: House, address: str):
    return house.browser().post("/api/password-resets", json={"email": address})


def mails(house: House) -> list[email.message.EmailMessage]:
    """Those with a link, in the order they were sent."""
    files = sorted(house.settings.outbox_dir.glob("*.eml"))
    all_mails = [email.message_from_bytes(file.read_bytes(), policy=default) for file in files]
    return [mail for mail in all_mails if mail["Subject"] == "Choose a new password"]


def token_of(mail: email.message.EmailMessage) -> str:
    found = re.search(r"/reset-password/(\S+)", mail.get_content())
    assert found is not None
    return found[1]


def reset(house: House, token: str, password: str = NEW):
    return house.browser().put("/api/password-resets", json={"token": token, "password": password})


def sign_in(house: House, address: str, password: str) -> int:
    body = {"email": address, "password": password}
    return house.browser().post("/api/sessions", json=body).status_code


def test_the_newest_link_sets_a_password_once_and_ends_every_session(house: House) -> None:
    musician: TestClient = house.signed_up("ada@example.com")
    for number in (1, 2):
        assert ask(house, "Ada@Example.com").status_code == 202
        eventually(lambda number=number: len(mails(house)) == number)
    older, newer = (token_of(mail) for mail in mails(house))
    assert mails(house)[1]["To"] == "ada@example.com"
    assert house.browser().get(f"/reset-password/{newer}").status_code == 200
    assert reset(house, older).json()["code"] == "reset-spent"
    assert reset(house, newer, "short").status_code == 422
    for weak in ("password1", "ada@example.com"):
        assert reset(house, newer, weak).json()["code"] == "password-too-common"
    assert reset(house, newer).status_code == 204
    assert reset(house, newer, "a third password").status_code == 410
    assert musician.get("/api/keys").status_code == 401
    assert [sign_in(house, "ada@example.com", p) for p in (NEW, "a long enough password")] == [
        201,
        401,
    ]
    # Sign-ins and refusals are told beside, whenever their thread comes to it.
    changes = [type for type in house.types() if "sign" not in type]
    assert changes[-4:] == [
        "account.password_reset_requested",
        "account.password_reset_requested",
        "account.password_changed",
        # The mail has arrived.
        "account.address_verified",
    ]
    stored = b"".join(envelope.data for envelope in house.core.log.events.after(0, 100))
    assert older.encode() not in stored
    assert newer.encode() not in stored


def test_a_link_is_good_for_an_hour(house: House) -> None:
    house.signed_up("ada@example.com")
    ask(house, "ada@example.com")
    eventually(lambda: mails(house))
    token = token_of(mails(house)[0])
    left = "SELECT expires_at - now() <= interval '1 hour' FROM credentials_resets"
    assert house.rows(left) == [(True,)]
    with house.core.pool.connection() as connection:
        connection.execute("UPDATE credentials_resets SET expires_at = now()")
    assert reset(house, token).status_code == 410


def test_nobody_learns_whether_an_address_has_an_account(house: House) -> None:
    house.signed_up("ada@example.com")
    answers = []
    for address in ("ada@example.com", "nobody@example.com", "no address"):
        started = time.monotonic()
        answer = ask(house, address)
        assert time.monotonic() - started >= ANSWERED_AFTER_S
        told = {k: v for k, v in answer.headers.items() if "request" not in k and "rate" not in k}
        answers.append((answer.status_code, answer.text, told))
    assert answers[0] == answers[1] == answers[2]
    # The limit is the same for both too.
    for address in ("ada@example.com", "nobody@example.com"):
        for _ in range(4):
            assert ask(house, address).status_code == 202
        assert ask(house, address).status_code == 429
    eventually(lambda: len(mails(house)) == 5)
    assert {mail["To"] for mail in mails(house)} == {"ada@example.com"}


def test_the_second_factor_is_still_asked_for(house: House) -> None:
    import pyotp

    musician = house.signed_up("ada@example.com")
    password = {"password": "a long enough password"}
    secret = musician.post("/api/me/second-factor", json=password).json()["secret"]
    code = {"code": pyotp.TOTP(secret).now()}
    assert musician.post("/api/me/second-factor/confirm", json=code).status_code == 200
    ask(house, "ada@example.com")
    eventually(lambda: mails(house))
    assert reset(house, token_of(mails(house)[0])).status_code == 204
    body = {"email": "ada@example.com", "password": NEW}
    refused = house.browser().post("/api/sessions", json=body)
    assert refused.json()["code"] == "second-factor-needed"
