"""Signing in and out by cookie, and what another site may not do with it."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from kit.policies import Policy
from tests.conftest import Database
from tests.integration.http.app import (
    PASSWORD,
    Installation,
    open_installation,
    sign_up,
    upload,
)


def sign_in(client: TestClient, email: str, password: str = PASSWORD, **headers: str):
    return client.post(
        "/api/sessions", json={"email": email, "password": password}, headers=headers
    )


def test_a_session_lasts_from_sign_in_to_sign_out(
    installation: Installation, musician: TestClient
) -> None:
    client = installation.browser()
    answer = sign_in(client, musician.email)
    assert answer.status_code == 201
    assert answer.json()["account_id"] == musician.account["id"]
    assert client.get("/api/keys").status_code == 200
    token = client.cookies["noculture_session"]
    assert client.delete("/api/sessions").status_code == 204
    assert "noculture_session" not in client.cookies
    stolen = installation.browser()
    stolen.cookies.set("noculture_session", token)
    assert stolen.get("/api/keys").status_code == 401


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    installation: Installation, musician: TestClient
) -> None:
    plain = sign_in(installation.browser(), musician.email).headers["set-cookie"].lower()
    assert plain.startswith("noculture_session=")
    assert "httponly" in plain
    assert "samesite=lax" in plain
    assert "secure" not in plain


def test_signing_in_again_ends_the_browsers_earlier_session(
    installation: Installation, musician: TestClient
) -> None:
    earlier = musician.cookies["noculture_session"]
    assert sign_in(musician, musician.email).status_code == 201
    assert musician.cookies["noculture_session"] != earlier
    assert installation.sessions.find(earlier) is None


def test_wrong_password_and_unknown_address_are_answered_alike(
    installation: Installation, musician: TestClient
) -> None:
    """As slowly too: `test_looking_for_nobody_costs_what_looking_for_somebody_does`."""
    client = installation.browser()
    wrong = sign_in(client, musician.email, "not the password")
    unknown = sign_in(client, "stranger@example.com", "not the password")
    strange = sign_in(client, "no address at all", "not the password")
    for answer in (wrong, unknown, strange):
        assert (answer.status_code, answer.json()["code"]) == (401, "wrong-credentials")
    assert wrong.json()["detail"] == unknown.json()["detail"] == strange.json()["detail"]


def test_tokens_are_stored_as_hashes_only(installation: Installation, musician: TestClient) -> None:
    token = musician.cookies["noculture_session"]
    stored = installation.scalar("SELECT encode(token_hash, 'escape') FROM credentials_sessions")
    assert token not in stored


def test_an_old_session_ends_and_a_used_one_lives_on(
    installation: Installation, musician: TestClient
) -> None:
    with installation.pool.connection() as connection:
        connection.execute("UPDATE credentials_sessions SET expires_at = now() + interval '1 day'")
    assert musician.get("/api/keys").status_code == 200
    assert installation.scalar(
        "SELECT expires_at > now() + interval '29 days' FROM credentials_sessions"
    )
    with installation.pool.connection() as connection:
        connection.execute("UPDATE credentials_sessions SET expires_at = now()")
    assert musician.get("/api/keys").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver.evil.example"},
        {"Origin": "http://testserver:81"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_foreign_site_changes_nothing_with_the_cookie(
    installation: Installation, musician: TestClient, headers: dict[str, str]
) -> None:
    before = len(installation.types())
    key = {"name": "stolen", "scopes": ["*"]}
    refused = [
        musician.post("/api/keys", json=key, headers=headers),
        musician.delete("/api/sessions", headers=headers),
        upload(musician, b"data", **headers),
        sign_in(installation.browser(), musician.email, **headers),
        sign_up(installation.browser(), "evil@example.com", **headers),
    ]
    for answer in refused:
        assert (answer.status_code, answer.json()["code"]) == (403, "foreign-origin")
    assert len(installation.types()) == before
    assert musician.get("/api/keys", headers=headers).status_code == 200


def test_ones_own_pages_and_programs_may(installation: Installation, musician: TestClient) -> None:
    own = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
    assert upload(musician, b"from a page", **own).status_code == 202
    program = installation.program(musician, "assets:write")
    foreign = {"Origin": "https://partner.example", "Sec-Fetch-Site": "cross-site"}
    assert upload(program, b"from a partner's page with a key", **foreign).status_code == 202


def test_guessing_passwords_is_slowed_down_per_address(database: Database, tmp_path) -> None:
    strict = Policy("sign-in", 3)
    with open_installation(database, tmp_path / "blobs", strict) as installation:
        client = installation.browser()
        answers = [sign_in(client, "ada@example.com", f"guess {n}") for n in range(5)]
        assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
        refused = answers[-1]
        assert refused.json()["code"] == "too-many-requests"
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        assert refused.headers["RateLimit-Policy"] == '"sign-in";q=3;w=60'
        assert refused.headers["RateLimit"].startswith('"sign-in";r=0;t=')
        assert answers[0].headers["RateLimit"].startswith('"sign-in";r=2;')
        assert sign_in(client, "eve@example.com", "another").status_code == 401


def test_a_sign_up_form_may_not_be_retried_for_ever(database: Database, tmp_path) -> None:
    with open_installation(database, tmp_path / "b", Policy("sign-up", 2)) as installation:
        answers = [sign_up(installation.browser(), f"a{n}@example.com") for n in range(3)]
        assert [answer.status_code for answer in answers] == [201, 201, 429]


FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"
)


def test_a_session_is_listed_by_its_device_and_ended_alone(
    installation: Installation, musician: TestClient
) -> None:
    phone, laptop = installation.browser(), installation.browser()
    sign_in(phone, musician.email, **{"User-Agent": PHONE})
    sign_in(laptop, musician.email, **{"User-Agent": FIREFOX})
    listed = laptop.get("/api/me/sessions").json()["data"]
    devices = {session["device"]: session for session in listed}
    assert devices.keys() == {"Safari on iPhone", "Firefox on Linux", "Unknown device"}
    assert [each["device"] for each in listed if each["current"]] == ["Firefox on Linux"]
    ended = laptop.delete(f"/api/me/sessions/{devices['Safari on iPhone']['id']}")
    assert ended.status_code == 204
    assert phone.get("/api/keys").status_code == 401
    assert musician.get("/api/keys").status_code == 200


def test_all_other_sessions_end_at_once(installation: Installation, musician: TestClient) -> None:
    others = [installation.browser() for _ in range(2)]
    for other in others:
        sign_in(other, musician.email)
    assert musician.delete("/api/me/sessions").status_code == 204
    assert [other.get("/api/keys").status_code for other in others] == [401, 401]
    assert len(musician.get("/api/me/sessions").json()["data"]) == 1


def test_a_session_ends_after_its_life_however_much_it_is_used(
    database: Database, tmp_path
) -> None:
    """One that was used every day never ended: who had stolen it kept it for ever."""
    with open_installation(database, tmp_path / "b", session_days=7) as installation:
        musician = installation.signed_up()
        for age, status in (("6 days 23 hours", 200), ("7 days 1 minute", 401)):
            with installation.pool.connection() as connection:
                connection.execute(
                    "UPDATE credentials_sessions SET created_at = now() - %s::interval,"
                    " expires_at = now() + interval '20 days'",
                    (age,),
                )
            assert musician.get("/api/keys").status_code == status
        assert installation.sessions.find(musician.cookies["noculture_session"]) is None


def test_a_session_that_rises_gets_another_token(
    installation: Installation, musician: TestClient
) -> None:
    """Whoever had read the token before must not rise with it."""
    before = musician.cookies["noculture_session"]
    listed = musician.get("/api/me/sessions").json()["data"]
    changed = {"password": "another long password", "current_password": PASSWORD}
    assert musician.put("/api/me/password", json=changed).status_code == 204
    after = musician.cookies["noculture_session"]
    assert after != before
    assert installation.sessions.find(before) is None
    assert [each["id"] for each in musician.get("/api/me/sessions").json()["data"]] == [
        each["id"] for each in listed
    ]


def test_an_operator_ends_the_sessions_of_others_and_the_log_says_so(
    installation: Installation, musician: TestClient
) -> None:
    """`musician` is the first account, so the operator."""
    ada = installation.signed_up("Ada")
    key = installation.program(ada, "account:read")
    path = f"/api/accounts/{ada.account['id']}/sessions"
    assert ada.delete(path).status_code == 403
    answer = musician.delete(path)
    assert (answer.status_code, "Event-Position" in answer.headers) == (204, True)
    assert ada.get("/api/keys").status_code == 401
    assert key.get("/api/keys").status_code == 200
    said = installation.events()[-1].data
    assert (said.type, said.account_id) == ("account.sessions_ended", ada.account["id"])
    assert said.operator_id == musician.account["id"]
    assert musician.delete(f"/api/accounts/acc_{'0' * 32}/sessions").status_code == 404
    assert musician.delete("/api/accounts/somebody/sessions").status_code == 404
    assert sign_in(ada, ada.email).status_code == 201


def test_an_operator_signs_somebody_out_on_the_page(
    installation: Installation, musician: TestClient
) -> None:
    ada = installation.signed_up("Ada")
    form = musician.get("/system").text
    token = form.split('name="csrf_token" value="')[1].split('"')[0]
    nobody = musician.post("/system/sign-out", data={"email": "x@example.com", "csrf_token": token})
    assert nobody.status_code == 404
    assert "No account here has this e-mail address" in nobody.text
    done = musician.post("/system/sign-out", data={"email": ada.email, "csrf_token": token})
    assert "signed out everywhere" in done.text
    assert ada.get("/api/keys").status_code == 401
