"""Operators operate with a second factor where others can reach the pages."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from starlette.testclient import TestClient

from tests.conftest import Database
from tests.integration.http.app import PASSWORD, Installation, open_installation

PUBLIC = "http://studio.example"


@pytest.fixture
def reachable(database: Database, tmp_path: Path) -> Iterator[Installation]:
    with open_installation(database, tmp_path / "b", public_url=PUBLIC) as installation:
        yield installation


def operate(client: TestClient) -> set[str | None]:
    """The codes that the operator's routes answer; None where they do what was asked."""
    nobody = f"/api/accounts/acc_{'0' * 32}/sessions"
    answers = [client.get("/api/system"), client.delete(nobody)]
    return {a.json()["code"] if a.status_code == 403 else None for a in answers}


def allowed(client: TestClient) -> bool:
    return operate(client) == {None}


def set_up(client: TestClient) -> pyotp.TOTP:
    begun = client.post("/api/me/second-factor", json={"password": PASSWORD})
    device = pyotp.TOTP(begun.json()["secret"])
    confirmed = client.post("/api/me/second-factor/confirm", json={"code": device.now()})
    assert confirmed.status_code == 200, confirmed.text
    return device


def test_a_password_alone_does_not_operate_what_others_can_reach(reachable: Installation) -> None:
    """Whoever had guessed or read it ran the installation."""
    operator = reachable.signed_up()
    assert operate(operator) == {"second-factor-required"}
    refused = operator.get("/api/system").json()
    assert refused["set_up"] == "/account/security"
    page = operator.get("/system", headers={"Accept": "text/html"})
    assert page.status_code == 403
    assert 'href="/account/security"' in page.text
    # All else of the account works.
    assert operator.get("/api/keys").status_code == 200
    before = operator.cookies["noculture_session"]
    set_up(operator)
    assert operator.cookies["noculture_session"] != before
    assert allowed(operator)


def test_other_sessions_do_not_rise_when_a_second_factor_is_set_up(
    reachable: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator, stolen = reachable.signed_up(), reachable.browser()
    body = {"email": operator.email, "password": PASSWORD}
    assert stolen.post("/api/sessions", json=body).status_code == 201
    device = set_up(operator)
    assert not allowed(stolen)
    # A step later: each code signs in once.
    later = time.time() + 30
    monkeypatch.setattr(reachable.factors, "_now", lambda: later)
    code = device.at(int(later))
    fresh = reachable.browser()
    assert fresh.post("/api/sessions", json=body | {"code": code}).status_code == 201
    assert allowed(fresh)


def test_who_is_made_an_operator_operates_once_they_have_shown_a_second_factor(
    reachable: Installation,
) -> None:
    reachable.signed_up()
    musician = reachable.signed_up()
    reachable.accounts.grant_operator(musician.email)
    assert operate(musician) == {"second-factor-required"}
    before = musician.cookies["noculture_session"]
    set_up(musician)
    assert allowed(musician)
    assert reachable.sessions.find(before) is None


def test_without_its_second_factor_no_session_operates_any_more(reachable: Installation) -> None:
    operator = reachable.signed_up()
    set_up(operator)
    assert allowed(operator)
    with reachable.pool.connection() as connection:
        connection.execute("DELETE FROM credentials_second_factors")
    assert not allowed(operator)


def test_a_passkey_is_both_factors(reachable: Installation) -> None:
    operator = reachable.signed_up()
    assert not allowed(operator)
    token = operator.cookies["noculture_session"]
    fresh, by_passkey = reachable.sessions.exchange(token, "passkey"), reachable.browser()
    by_passkey.cookies.set("noculture_session", fresh)
    assert allowed(by_passkey)


def test_a_key_operates_if_it_was_made_with_two_factors(reachable: Installation) -> None:
    operator = reachable.signed_up()
    early = reachable.program(operator, "*")
    wish = {"name": "k", "scopes": ["operator"]}
    refused = operator.post("/api/keys", json=wish)
    assert (refused.status_code, refused.json()["code"]) == (403, "second-factor-required")
    set_up(operator)
    late = reachable.program(operator, "*")
    with reachable.pool.connection() as connection:
        connection.execute("UPDATE credentials_keys SET proven_at = now(), fully_proven_at = now()")
    assert not allowed(early)
    assert allowed(late)
    # What a key makes is no better than the key.
    assert early.post("/api/keys", json=wish).json()["code"] == "second-factor-required"
    assert allowed(reachable.program(late, "operator"))


@pytest.mark.parametrize(
    ("given", "needed"),
    [
        ({}, False),
        ({"public_url": "http://localhost:8420"}, False),
        ({"operator_second_factor": "required"}, True),
        ({"public_url": PUBLIC, "operator_second_factor": "optional"}, False),
        ({"host": "0.0.0.0"}, True),
    ],
)
def test_the_setting_and_what_it_is_by_itself(
    database: Database, tmp_path: Path, given: dict[str, str], needed: bool
) -> None:
    with open_installation(database, tmp_path / "b", **given) as installation:
        assert allowed(installation.signed_up()) is not needed


def test_nobody_else_is_asked_for_a_second_factor(reachable: Installation) -> None:
    reachable.signed_up()
    musician = reachable.signed_up()
    assert operate(musician) == {"missing-scope"}
