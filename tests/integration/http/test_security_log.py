"""Who came in, who did not, and who got what: events, lines and figures."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pyotp
import pytest
from starlette.testclient import TestClient

from commands.account.logins import Login
from commands.account.refused_sign_ins import EVERY_S, RefusedSignIns
from events.ids import SignInsId
from kit import security_log
from kit.policies import Policy
from tests.conftest import Database
from tests.integration.account.erasure.house import eventually
from tests.integration.http.app import PASSWORD, Installation, open_installation, sign_up

# The lock of the one writer (migration 0007).
LOCK = "SELECT pg_advisory_xact_lock(7521980, 1)"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch):
    """The security log's lines, none left out because of earlier tests."""
    monkeypatch.setattr(security_log, "_lines", security_log.Lines(security_log._write))
    caplog.set_level(logging.DEBUG)

    def read() -> list[str]:
        return [r.getMessage() for r in caplog.records if r.name == "noculture.security"]

    return read


def sign_in(client: TestClient, email: str, password: str = PASSWORD, **more: str) -> int:
    body = {"email": email, "password": password, **more}
    return client.post("/api/sessions", json=body, headers={"User-Agent": FIREFOX}).status_code


def of_sign_ins(installation: Installation, client: TestClient) -> list[Any]:
    stream = SignInsId.beside(client.account["id"])
    return [installation.codec.decode(e).data for e in installation.log.events.stream(stream)]


def test_a_sign_in_is_an_event_in_a_stream_of_its_own_and_a_line(
    installation: Installation, musician: TestClient, lines: Any
) -> None:
    account = musician.account["id"]
    before = len(installation.log.events.stream(account))
    assert sign_in(installation.browser(), musician.email) == 201
    (event,) = of_sign_ins(installation, musician)
    assert (event.type, event.account_id, event.by) == ("account.signed_in", account, "password")
    assert len(installation.log.events.stream(account)) == before
    assert f"sign-in accepted account_id={account} by=password" in lines()


def test_each_way_in_says_which_it_was(
    installation: Installation, musician: TestClient, lines: Any
) -> None:
    begun = musician.post("/api/me/second-factor", json={"password": PASSWORD}).json()
    device = pyotp.TOTP(begun["secret"])
    musician.post("/api/me/second-factor/confirm", json={"code": device.now()})
    code = device.at(int(time.time()) + 30)
    assert sign_in(installation.browser(), musician.email, code=code) == 201
    invited = installation.accounts.invite("guest@example.com")
    guest = installation.browser()
    guest.account = {"id": invited.account_id}
    link = f"/sign-in/{invited.link_token}"
    assert guest.post(link, follow_redirects=False).status_code == 303
    assert [each.by for each in of_sign_ins(installation, musician)] == ["second-factor"]
    assert [each.by for each in of_sign_ins(installation, guest)] == ["link"]
    assert "factor changed account_id=" + musician.account["id"] + " reason=enabled" in lines()


def test_refusals_of_an_account_are_counted_and_told_once_a_minute(
    installation: Installation, musician: TestClient
) -> None:
    moment = 1_000.0
    refusals = RefusedSignIns(installation.commands, lambda: moment, in_background=False)
    login = Login(musician.account["id"], musician.account["workspace_id"], None, operator=True)

    def told() -> list[tuple[tuple[str, ...], int]]:
        refusals.tell_due()
        return [(each.reasons, each.count) for each in of_sign_ins(installation, musician)]

    refusals.note(login, "wrong-password")
    assert told() == [(("wrong-password",), 1)]
    for _ in range(500):
        refusals.note(login, "wrong-password")
    refusals.note(login, "too-many-guesses")
    assert len(told()) == 1
    moment += EVERY_S
    assert told()[1:] == [(("too-many-guesses", "wrong-password"), 501)]
    for _ in range(3):
        moment += EVERY_S
        assert len(told()) == 2, "a quiet minute is no event"


def test_a_refusal_is_told_by_itself_and_nothing_is_told_of_strangers(
    installation: Installation, musician: TestClient, lines: Any
) -> None:
    account = musician.account["id"]
    assert sign_in(installation.browser(), musician.email, "wrong password") == 401
    eventually(lambda: of_sign_ins(installation, musician))
    (event,) = of_sign_ins(installation, musician)
    assert (event.type, event.count) == ("account.sign_in_refused", 1)
    before = installation.types()
    assert sign_in(installation.browser(), "stranger@example.com", "wrong password") == 401
    assert installation.types() == before
    assert f"sign-in refused account_id={account} reason=wrong-password" in lines()
    assert "sign-in refused reason=wrong-password" in lines()


def test_the_owner_sees_who_came_in_lately_and_who_was_refused(
    installation: Installation, musician: TestClient
) -> None:
    stranger = installation.signed_up()
    sign_in(installation.browser(), musician.email)
    sign_in(installation.browser(), musician.email, "wrong password")
    eventually(lambda: len(of_sign_ins(installation, musician)) == 2)
    seen = musician.get("/api/me/sign-ins").json()["data"]
    assert [(each["outcome"], each["by"], each["count"]) for each in seen] == [
        ("refused", None, 1),
        ("accepted", "password", 1),
    ]
    page = musician.get("/account/security").text
    assert "with the password" in page
    assert "Refused" in page
    assert stranger.get("/api/me/sign-ins").json()["data"] == []
    assert "Lately" not in stranger.get("/account/security").text


def test_no_line_and_no_event_of_it_holds_anything_personal(
    installation: Installation, lines: Any
) -> None:
    client = TestClient(installation.app, client=("203.0.113.77", 1))
    sign_up(client, "ada.lovelace@example.com", "Ada Lovelace")
    wrong = "a very wrong password"
    sign_in(client, "ada.lovelace@example.com", wrong)
    sign_in(client, "ada.lovelace@example.com")
    key = client.post("/api/keys", json={"name": "Ada's", "scopes": ["assets:read", "*"]}).json()
    client.delete(f"/api/keys/{key['id']}")
    client.get("/api/keys", headers={"Authorization": f"Bearer {key['key']}"})
    client.post("/api/sessions/passkey", json={"credential": {"id": "x"}})
    client.put("/api/password-resets", json={"token": "a secret", "password": wrong})
    client.post("/sign-in/another-secret")
    client.post("/api/keys", json={}, headers={"Origin": "https://evil.example"})
    said = "\n".join(lines())
    for personal in ("ada", "Ada", "lovelace", "example", ".77", "Firefox", wrong, "secret"):
        assert personal not in said, personal
    for what in (
        *("sign-up accepted", "right granted", "sign-in refused", "sign-in accepted"),
        *("key issued", "key revoked", "key refused", "password refused", "request refused"),
        *("scopes=assets:read,*", "reason=passkey-refused", "reason=link-spent"),
        *("reason=foreign-origin", "network=203.0.113.0/24"),
    ):
        assert what in said, what


def test_every_one_of_many_sign_ins_at_once_is_told(
    installation: Installation, musician: TestClient
) -> None:
    """They raced for the version of their stream, and half of them were in no log."""
    login = installation.logins.of_account(musician.account["id"])
    assert login is not None
    with ThreadPoolExecutor(6) as pool:
        tokens = set(
            pool.map(lambda _: installation.sessions.start(login, "", "password"), range(12))
        )
    assert len(of_sign_ins(installation, musician)) == len(tokens) == 12


def test_limits_are_told_without_whom_they_count(
    database: Database, tmp_path: Path, lines: Any
) -> None:
    with open_installation(database, tmp_path / "b", Policy("sign-in", 1)) as installation:
        client = installation.browser()
        before = security_log.COUNTED.labels("limit", "refused")._value.get()
        for _ in range(3):
            sign_in(client, "ada@example.com", "wrong")
        figure = 'noculture_security_events_total{outcome="refused",what="limit"}'
        assert f"{figure} {before + 2}" in client.get("/metrics").text
    assert "limit refused reason=sign-in" in lines()


def test_who_signs_in_does_not_wait_for_a_busy_store(
    installation: Installation, musician: TestClient
) -> None:
    """The log has one writer: while it is held up, people still come in."""
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with psycopg.connect(installation.core.url) as connection:
            connection.execute(LOCK)
            held.set()
            done.wait(30)

    holding = threading.Thread(target=hold)
    holding.start()
    held.wait(10)
    began = time.monotonic()
    client = installation.browser()
    try:
        assert sign_in(client, musician.email) == 201
        assert time.monotonic() - began < 2.5
        assert client.get("/api/keys").status_code == 200
    finally:
        done.set()
        holding.join()
    assert of_sign_ins(installation, musician) == []
    assert sign_in(client, musician.email) == 201
    assert len(of_sign_ins(installation, musician)) == 1
