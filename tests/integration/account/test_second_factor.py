"""The second factor: turned on by its own code, asked for at sign-in, each code good for once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest
from starlette.testclient import TestClient

from tests.integration.http.app import PASSWORD, Installation, sign_up

# The first second of a step.
NOW = 1_900_000_020
ROUTE = "/api/me/second-factor"


def delete(client: TestClient, path: str, **body: object):
    return client.request("DELETE", path, json=body)


def sign_in(installation: Installation, email: str, code: str | None = None):
    body = {"email": email, "password": PASSWORD} | ({"code": code} if code else {})
    return installation.browser().post("/api/sessions", json=body)


class Phone:
    """The owner's app; it knows the next codes too."""

    def __init__(self, secret: str) -> None:
        self.totp = pyotp.TOTP(secret)

    def code(self, steps_ahead: int = 0) -> str:
        return self.totp.at(NOW + 30 * steps_ahead)


@pytest.fixture(autouse=True)
def standing_clock(installation: Installation) -> Iterator[None]:
    """No step ends in the middle of a test."""
    installation.factors._now = lambda: NOW
    yield
    installation.factors._now = time.time


@pytest.fixture
def protected(installation: Installation, musician: TestClient) -> tuple[TestClient, Phone, list]:
    """(the owner, their phone, their recovery codes)"""
    begun = musician.post(ROUTE, json={"password": PASSWORD})
    assert begun.status_code == 201, begun.text
    phone = Phone(begun.json()["secret"])
    confirmed = musician.post(f"{ROUTE}/confirm", json={"code": phone.code(-1)})
    assert confirmed.status_code == 200, confirmed.text
    return musician, phone, confirmed.json()["codes"]


def test_it_counts_once_a_code_was_shown_and_not_before(
    installation: Installation, musician: TestClient
) -> None:
    begun = musician.post(ROUTE, json={"password": PASSWORD}).json()
    assert begun["uri"].startswith("otpauth://totp/NoCulture%20OS:")
    assert musician.email.partition("@")[0] in begun["uri"]
    assert begun["qr_svg"].startswith("<svg")
    assert musician.post(f"{ROUTE}/confirm", json={"code": "abcdef"}).status_code == 401
    assert musician.get(ROUTE).json()["enabled"] is False
    assert sign_in(installation, musician.email).status_code == 201
    code = Phone(begun["secret"]).code()
    confirmed = musician.post(f"{ROUTE}/confirm", json={"code": code})
    assert len(set(confirmed.json()["codes"])) == 8
    assert confirmed.headers["Cache-Control"] == "no-store"
    assert installation.types()[-1] == "account.second_factor_enabled"
    refused = sign_in(installation, musician.email)
    assert (refused.status_code, refused.json()["code"]) == (401, "second-factor-needed")


def test_a_code_signs_in_once_and_never_an_older_one(
    installation: Installation, protected: tuple
) -> None:
    musician, phone, _ = protected
    assert sign_in(installation, musician.email, phone.code(-1)).status_code == 401
    assert sign_in(installation, musician.email, phone.code(1)).status_code == 201
    for used in (phone.code(1), phone.code(0)):
        refused = sign_in(installation, musician.email, used)
        assert (refused.status_code, refused.json()["code"]) == (401, "wrong-code")


def test_of_many_who_show_one_code_at_once_exactly_one_gets_in(
    installation: Installation, protected: tuple
) -> None:
    musician, phone, codes = protected
    account_id = musician.account["id"]

    def used(code: str) -> bool:
        return installation.factors._use_code(account_id, code) or (
            installation.factors._use_recovery(account_id, code)
        )

    for code in (phone.code(), codes[0]):
        with ThreadPoolExecutor(8) as threads:
            assert sorted(threads.map(used, [code] * 8)) == [False] * 7 + [True]


def test_a_clock_may_be_a_step_off_and_no_more(installation: Installation, protected) -> None:
    musician, phone, _ = protected
    installation.factors._now = lambda: NOW + 60
    assert sign_in(installation, musician.email, phone.code()).status_code == 401
    installation.factors._now = lambda: NOW + 59
    assert sign_in(installation, musician.email, phone.code()).status_code == 201


def test_a_recovery_code_signs_in_once_however_it_is_typed(
    installation: Installation, protected: tuple
) -> None:
    musician, _, codes = protected
    typed = codes[3].lower().replace("-", " ")
    assert sign_in(installation, musician.email, typed).status_code == 201
    assert sign_in(installation, musician.email, codes[3]).status_code == 401
    assert musician.get(ROUTE).json()["recovery_codes_left"] == 7


def test_neither_password_nor_code_alone_turns_it_off(
    installation: Installation, protected: tuple
) -> None:
    musician, phone, codes = protected
    wrong_code = delete(musician, ROUTE, password=PASSWORD, code="000000")
    wrong_password = delete(musician, ROUTE, password="not the password", code=codes[0])
    assert (wrong_code.status_code, wrong_password.status_code) == (401, 401)
    assert musician.get(ROUTE).json() | {"enabled_at": None} == {
        "enabled": True,
        "enabled_at": None,
        "recovery_codes_left": 8,
    }
    assert delete(musician, ROUTE, password=PASSWORD, code=phone.code()).status_code == 204
    assert sign_in(installation, musician.email).status_code == 201
    changes = [type for type in installation.types() if "sign" not in type]
    assert changes[-1] == "account.second_factor_disabled"
    assert installation.scalar("SELECT count(*) FROM credentials_recovery_codes") == 0


def test_new_recovery_codes_replace_the_old_ones(
    installation: Installation, protected: tuple
) -> None:
    musician, phone, old = protected
    body = {"password": PASSWORD, "code": phone.code()}
    new = musician.post(f"{ROUTE}/recovery-codes", json=body).json()["codes"]
    assert not set(new) & set(old)
    assert sign_in(installation, musician.email, old[0]).status_code == 401
    assert sign_in(installation, musician.email, new[0]).status_code == 201


def test_each_wrong_code_makes_the_next_one_wait_longer(
    installation: Installation, protected: tuple
) -> None:
    musician, phone, _ = protected
    for code in ("000000", "000001"):
        assert sign_in(installation, musician.email, code).status_code == 401
        # As if there had been many guesses before, so that no test waits for the clock.
        _set(installation, "failures = 12")
    # Who guessed must wait even with the right code.
    refused = sign_in(installation, musician.email, phone.code())
    assert (refused.status_code, refused.json()["code"]) == (429, "too-many-guesses")
    assert 200 < int(refused.headers["Retry-After"]) <= 256
    _set(installation, "waits_until = now()")
    assert sign_in(installation, musician.email, phone.code()).status_code == 201
    assert sign_in(installation, musician.email, "000002").status_code == 401


def _set(installation: Installation, column: str) -> None:
    with installation.pool.connection() as connection:
        connection.execute(f"UPDATE failed_attempts SET {column} WHERE failures > 0")


def test_the_seed_is_nowhere_in_plain_and_codes_are_hashes(
    installation: Installation, protected: tuple
) -> None:
    _, phone, codes = protected
    secret = phone.totp.secret
    sealed = installation.scalar("SELECT sealed_seed FROM credentials_second_factors")
    assert phone.totp.byte_secret() not in sealed
    stored = b"".join(envelope.data for envelope in installation.log.events.after(0, 100))
    for told in (secret, *codes):
        assert told.encode() not in stored
    hashes = installation.scalar("SELECT string_agg(code_hash, '') FROM credentials_recovery_codes")
    assert all(code.encode() not in hashes for code in codes)


def test_somebody_elses_code_opens_nothing(installation: Installation, protected: tuple) -> None:
    _, phone, codes = protected
    other = installation.browser()
    sign_up(other, "other@example.com")
    begun = other.post(ROUTE, json={"password": PASSWORD}).json()
    other.post(f"{ROUTE}/confirm", json={"code": Phone(begun["secret"]).code()})
    for code in (phone.code(1), codes[1]):
        assert sign_in(installation, "other@example.com", code).status_code == 401
