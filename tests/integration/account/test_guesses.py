"""Who guesses waits; who is guessed at does not. Nor does anybody beside whoever guesses."""

from __future__ import annotations

import itertools
import re
import time
from pathlib import Path

import pyotp
import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from starlette.testclient import TestClient

from commands.account import passwords
from tests.conftest import Database
from tests.integration.http.app import PASSWORD, Installation, open_installation, sign_up

HOME, CAFE, STRANGER, OFFICE = "198.51.100.7", "198.51.100.99", "203.0.113.9", "192.0.2.1"
WAIT_S = 300
DEVICE = "noculture_device"


@pytest.fixture(autouse=True)
def cheap_passwords(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is counted is not what a hash costs."""
    cheap = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1),))
    monkeypatch.setattr(installation.accounts._passwords, "_argon2", cheap)
    monkeypatch.setattr(passwords, "NOBODYS", cheap.hash("of nobody"))


def at(installation: Installation, address: str, device: TestClient | None = None) -> TestClient:
    """A browser of this network, signed out; with the cookies that `device` keeps then."""
    client = TestClient(installation.app, client=(address, 50_000))
    installation.open_clients.append(client)
    if device is not None:
        client.cookies.update(device.cookies)
        client.cookies.delete("noculture_session")
    return client


@pytest.fixture
def ada(installation: Installation) -> TestClient:
    """The owner's browser at home."""
    client = at(installation, HOME)
    client.account = sign_up(client, "ada@example.com").json()
    return client


def sign_in(client: TestClient, password: str = PASSWORD, email: str = "ada@example.com", **more):
    return client.post("/api/sessions", json={"email": email, "password": password, **more})


def pass_time(installation: Installation, seconds: float) -> None:
    """As if so much time had gone by: the counters are what stands still here."""
    with installation.pool.connection() as connection:
        for table, column in (("failed_attempts", "waits_until"), ("rate_limits", "full_at")):
            connection.execute(
                f"UPDATE {table} SET {column} = {column} - make_interval(secs => %s)", (seconds,)
            )


def guess_on(installation: Installation, address: str, waits: int, **more: str) -> list[int]:
    """As many guesses as are let through, then one after each of so many waits."""
    client, numbers, statuses = at(installation, address), itertools.count(), list[int]()
    for _ in range(waits + 1):
        while (answer := sign_in(client, f"guess {next(numbers)}", **more)).status_code == 401:
            statuses.append(401)
            if len(statuses) > 200:
                raise AssertionError("guesses are not slowed")
        statuses.append(answer.status_code)
        pass_time(installation, WAIT_S)
    return statuses


def test_a_stranger_who_guesses_once_a_wait_does_not_keep_the_owner_out(
    installation: Installation, ada: TestClient
) -> None:
    statuses = guess_on(installation, STRANGER, waits=12)
    assert statuses.count(401) < 40
    sign_in(at(installation, STRANGER), "one more, so that the next has to wait")
    assert sign_in(at(installation, STRANGER)).status_code == 429
    assert sign_in(at(installation, CAFE, device=ada)).status_code == 201
    # A new device elsewhere: a slip is allowed.
    assert sign_in(at(installation, CAFE), "a slip").status_code == 401
    assert sign_in(at(installation, CAFE)).status_code == 201


def test_one_who_guesses_in_an_office_does_not_lock_out_those_who_work_there(
    installation: Installation, ada: TestClient
) -> None:
    at_work = at(installation, OFFICE, device=ada)
    assert sign_in(at_work).status_code == 201
    for number in range(60):
        sign_in(at(installation, OFFICE), "a guess", email=f"somebody{number}@example.com")
    refused = sign_in(at(installation, OFFICE), email="another@example.com")
    assert (refused.status_code, refused.json()["code"]) == (429, "too-many-guesses")
    assert sign_in(at(installation, OFFICE, device=at_work)).status_code == 201
    # The account is not what was guessed at: elsewhere it needs no device.
    assert sign_in(at(installation, CAFE)).status_code == 201
    # A new device at the office waits for the network's budget, half a minute.
    assert int(refused.headers["Retry-After"]) <= 30
    pass_time(installation, 30)
    assert sign_in(at(installation, OFFICE)).status_code == 201


def test_a_crowd_that_asks_from_an_office_uses_up_its_own_requests_only(
    installation: Installation, ada: TestClient
) -> None:
    stranger = at(installation, OFFICE)
    statuses = {sign_in(stranger, "", email=f"{n}@example.com").status_code for n in range(130)}
    assert 429 in statuses
    options = "/api/sessions/passkey/options"
    assert at(installation, OFFICE).post(options).status_code == 200
    asked = {"email": "ada@example.com"}
    assert at(installation, OFFICE).post("/api/password-resets", json=asked).status_code == 202
    assert sign_in(at(installation, OFFICE, device=ada)).status_code == 201


def test_a_known_device_that_guesses_waits_and_no_other(
    installation: Installation, ada: TestClient
) -> None:
    phone = at(installation, CAFE)
    assert sign_in(phone).status_code == 201
    stolen = at(installation, STRANGER, device=phone)
    for number in range(10):
        assert sign_in(stolen, f"guess {number}").status_code == 401
    assert sign_in(stolen).status_code == 429
    assert sign_in(at(installation, HOME, device=ada)).status_code == 201


def test_the_right_password_forgives_the_wrong_ones_before(
    installation: Installation, ada: TestClient
) -> None:
    for _ in range(4):
        client = at(installation, CAFE)
        for _ in range(3):
            assert sign_in(client, "wrong").status_code == 401
        assert sign_in(client).status_code == 201


def test_guesses_make_wait_alike_whether_or_not_there_is_an_account(
    installation: Installation, ada: TestClient
) -> None:
    told = []
    for email in ("ada@example.com", "nobody@example.com", "no address"):
        client, answers = at(installation, STRANGER), []
        for _ in range(12):
            # One account, however its address is spelled.
            email = email.swapcase()
            answer = sign_in(client, "a guess", email=email)
            answers.append((answer.status_code, answer.json()["detail"]))
        told.append(answers)
        pass_time(installation, 3600)
    assert told[0] == told[1] == told[2]
    assert told[0][-1][0] == 429


# --- devices


def test_a_device_is_known_by_a_cookie_that_tells_nothing(
    installation: Installation, ada: TestClient
) -> None:
    value = ada.cookies[DEVICE]
    assert ada.account["id"] not in value
    assert "ada" not in value
    assert DEVICE in sign_in(at(installation, HOME)).headers["set-cookie"]


def test_over_https_a_device_is_known_by_a_host_cookie(database: Database, tmp_path: Path) -> None:
    public = "https://studio.example"
    with open_installation(database, tmp_path / "b", public_url=public) as installation:
        answer = sign_up(installation.browser(public), "ada@example.com")
    kept = [each for each in answer.headers.get_list("set-cookie") if DEVICE in each]
    assert kept[0].startswith(f"__Host-{DEVICE}=")
    for word in ("secure", "httponly", "samesite=lax", "path=/"):
        assert word in kept[0].lower()
    assert "domain" not in kept[0].lower()


def locked_out(installation: Installation) -> None:
    """No stranger of the office gets in for a while."""
    for number in range(60):
        sign_in(at(installation, OFFICE), "a guess", email=f"somebody{number}@example.com")


def known(installation: Installation, value: str, password: str = PASSWORD) -> bool:
    """Whether such a cookie is let through where no stranger is."""
    body = {"email": "ada@example.com", "password": password}
    cookie = [(b"Cookie", f"{DEVICE}={value}".encode("latin-1"))]
    answer = at(installation, OFFICE).post("/api/sessions", json=body, headers=cookie)
    return answer.status_code == 201


def test_a_forged_or_foreign_device_is_a_stranger(
    installation: Installation, ada: TestClient
) -> None:
    eve = at(installation, STRANGER)
    sign_up(eve, "eve@example.com", "Eve")
    locked_out(installation)
    good, foreign = ada.cookies[DEVICE], eve.cookies[DEVICE]
    name, seal, tag = good.split(".")
    for forged in (
        foreign,
        f"{foreign}~{name}.{seal}.{foreign.split('.')[2]}",
        f"{name}x.{seal}.{tag}",
        f"other.{seal}.{tag}",
        ".".join([*foreign.split(".")[:2], tag]),
        "..",
        "~" * 100,
        "é.ü.ß".encode().decode("latin-1"),
    ):
        assert not known(installation, forged), forged
    assert known(installation, good)
    # Several people share a browser; order and others' entries do not matter.
    assert known(installation, f"{foreign}~{good}")


def test_a_shared_browser_is_known_to_each_of_its_people(
    installation: Installation, ada: TestClient
) -> None:
    sign_up(ada, "eve@example.com", "Eve")
    locked_out(installation)
    for email in ("ada@example.com", "eve@example.com"):
        assert sign_in(at(installation, OFFICE, device=ada), email=email).status_code == 201


def test_a_new_password_makes_the_devices_of_the_old_one_strangers(
    installation: Installation, ada: TestClient
) -> None:
    phone = at(installation, CAFE)
    sign_in(phone)
    new = "another long password"
    body = {"password": new, "current_password": PASSWORD}
    assert ada.put("/api/me/password", json=body).status_code == 204
    locked_out(installation)
    assert not known(installation, phone.cookies[DEVICE], new)
    assert known(installation, ada.cookies[DEVICE], new)


def test_the_devices_of_an_erased_account_are_strangers_to_the_next_one(
    installation: Installation, ada: TestClient
) -> None:
    value = ada.cookies[DEVICE]
    assert ada.request("DELETE", "/api/me", json={"password": PASSWORD}).status_code == 202
    sign_up(at(installation, HOME), "ada@example.com")
    locked_out(installation)
    assert not known(installation, value)


# --- the second factor


def test_one_who_read_the_password_does_not_keep_the_owner_from_the_second_factor(
    installation: Installation, ada: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation.factors, "_now", lambda: 1_900_000_020)
    begun = ada.post("/api/me/second-factor", json={"password": PASSWORD}).json()
    phone = pyotp.TOTP(begun["secret"])
    code = phone.at(1_900_000_020 - 30)
    assert ada.post("/api/me/second-factor/confirm", json={"code": code}).status_code == 200
    statuses = set()
    for number in range(60):
        pass_time(installation, 60)
        client = at(installation, f"203.0.113.{number}")
        statuses.add(sign_in(client, code=f"{number:06}").status_code)
    assert statuses == {401, 429}
    # All strangers together have used up their tries; the owner's own device has its own.
    assert sign_in(at(installation, CAFE), code=phone.at(1_900_000_020)).status_code == 429
    known = at(installation, CAFE, device=ada)
    assert sign_in(known, code=phone.at(1_900_000_020)).status_code == 201


# --- what is mailed, and what sign-ups tell


SPELLINGS = [
    "".join(letters)
    for letters in itertools.product(
        "aA", "dD", "aA", "@", ["example.com", "EXAMPLE.com", "Example.COM"]
    )
] + ["ada@example.com", " ada@example.com ", "ada@ｅｘａｍｐｌｅ.com", "ada@example\u3002com"]


@pytest.mark.parametrize("email", ["ada@example.com", "nobody@example.com"])
def test_password_mails_are_counted_by_account_however_it_is_spelled(
    installation: Installation, ada: TestClient, email: str
) -> None:
    name = email.partition("@")[0]
    assert len(SPELLINGS) == 28
    statuses = [
        at(installation, f"203.0.113.{number}")
        .post("/api/password-resets", json={"email": re.sub("(?i)ada", name, spelling)})
        .status_code
        for number, spelling in enumerate(SPELLINGS)
    ]
    assert (statuses.count(202), statuses.count(429)) == (5, 23)
    asked = installation.types().count("account.password_reset_requested")
    assert asked == (5 if name == "ada" else 0)


def test_addresses_cannot_be_tried_out_by_signing_up(
    installation: Installation, ada: TestClient
) -> None:
    stranger, numbers = at(installation, STRANGER), itertools.count()

    def ask(email: str) -> int:
        return sign_up(stranger, email, "Eve").status_code

    assert [ask("ada@example.com") for _ in range(20)] == [409] * 20
    ask("ada@example.com")
    # What is refused now does not tell one from the other.
    assert {ask("ada@example.com"), ask("new@example.com")} == {429}
    pass_time(installation, WAIT_S)
    # Those that are free use nothing up.
    assert ask("new@example.com") == 201
    office = at(installation, OFFICE)
    made = [sign_up(office, f"{next(numbers)}@example.com").status_code for _ in range(60)]
    assert made == [201] * 60


def test_a_mailed_link_works_where_strangers_have_used_up_everything(
    installation: Installation, ada: TestClient
) -> None:
    from commands.account.reset_links import ResetLinks

    account_id = ada.account["id"]
    made = ResetLinks(installation.commands, installation.pool).make(account_id)
    assert made is not None
    stranger = at(installation, OFFICE)
    body = {"token": "none", "password": "another long password"}
    started = time.monotonic()
    while stranger.put("/api/password-resets", json=body).status_code != 429:
        assert time.monotonic() - started < 60
    locked_out(installation)
    owner = at(installation, OFFICE)
    changed = owner.put("/api/password-resets", json={**body, "token": made[1]})
    assert changed.status_code == 204
    # And it makes the browser known, so that it can sign in with it.
    assert sign_in(owner, "another long password").status_code == 201
