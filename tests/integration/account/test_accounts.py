"""Signing up and being invited."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from starlette.testclient import TestClient

from aggregates.errors import NotFound
from commands.account.sessions import LinkSpent
from tests.integration.http.app import PASSWORD, Installation, sign_up


def test_signing_up_makes_account_and_workspace_in_one_append_and_signs_in(
    installation: Installation,
) -> None:
    client = installation.browser()
    answer = sign_up(client, "Ada@Example.com", "Ada")
    assert answer.status_code == 201
    account = answer.json()
    assert account["id"].startswith("acc_")
    assert account["workspace_id"].startswith("wsp_")
    assert (account["email"], account["name"]) == ("Ada@example.com", "Ada")
    assert answer.headers["Event-Position"] == "3"
    assert installation.types() == [
        "account.registered",
        "account.operator_granted",
        "workspace.created",
    ]
    assert len({event.envelope.command_id for event in installation.events()}) == 1
    assert client.get("/api/keys").status_code == 200


def test_only_the_first_account_is_operator(installation: Installation) -> None:
    first, second = installation.signed_up(), installation.signed_up()
    assert (first.account["operator"], second.account["operator"]) == (True, False)


def test_of_many_who_sign_up_first_at_once_exactly_one_is_operator(
    installation: Installation,
) -> None:
    def sign_up_as(number: int) -> bool:
        client = installation.browser()
        answer = sign_up(client, f"first{number}@example.com")
        assert answer.status_code == 201, answer.text
        return bool(answer.json()["operator"])

    with ThreadPoolExecutor(6) as threads:
        operators = list(threads.map(sign_up_as, range(6)))
    assert sorted(operators) == [False] * 5 + [True]
    assert installation.scalar("SELECT count(*) FROM credentials_logins WHERE operator") == 1


def test_an_address_has_one_account_whatever_its_case(installation: Installation) -> None:
    assert sign_up(installation.browser(), "ada@example.com").status_code == 201
    taken = sign_up(installation.browser(), "ADA@Example.COM")
    assert taken.status_code == 409
    assert taken.json()["code"] == "email-taken"
    assert installation.scalar("SELECT count(*) FROM credentials_logins") == 1


def test_of_many_who_take_one_address_at_once_exactly_one_gets_it(
    installation: Installation,
) -> None:
    with ThreadPoolExecutor(6) as threads:
        answers = list(
            threads.map(lambda _: sign_up(installation.browser(), "ada@example.com"), range(6))
        )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"email": "nobody", "password": PASSWORD, "name": "A"}, "/email"),
        ({"email": "a@example.com", "password": "1234567", "name": "A"}, "/password"),
        ({"email": "a@example.com", "password": "x" * 1001, "name": "A"}, "/password"),
        ({"email": "a@example.com", "password": PASSWORD, "name": " "}, "/name"),
        ({"email": "a@example.com", "password": PASSWORD}, "/name"),
        (
            {"email": "a@example.com", "password": PASSWORD, "name": "A", "operator": True},
            "/operator",
        ),
    ],
)
def test_a_wrong_field_is_named_and_its_value_never_repeated(
    installation: Installation, body: dict[str, object], pointer: str
) -> None:
    answer = installation.browser().post("/api/accounts", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert str(body["password"]) not in answer.text


def test_neither_password_nor_address_is_readable_in_the_log(installation: Installation) -> None:
    sign_up(installation.browser(), "canary.address@example.com", "Canary Name")
    stored = b"".join(envelope.data for envelope in installation.log.events.after(0, 100))
    for secret in (PASSWORD, "canary.address", "Canary Name", "argon2"):
        assert secret.encode() not in stored
    assert installation.scalar("SELECT password_hash FROM credentials_logins").startswith(
        "$argon2id$"
    )


def test_a_repeated_sign_up_with_the_same_key_gives_the_same_account(
    installation: Installation,
) -> None:
    headers = {"Idempotency-Key": "once"}
    first = sign_up(installation.browser(), "ada@example.com", **headers)
    again_client = installation.browser()
    again = sign_up(again_client, "ada@example.com", **headers)
    assert again.status_code == 201
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Event-Position"] == first.headers["Event-Position"]
    assert again_client.get("/api/keys").status_code == 200


def test_a_replay_with_another_password_signs_nobody_in(installation: Installation) -> None:
    headers = {"Idempotency-Key": "once"}
    sign_up(installation.browser(), "ada@example.com", **headers)
    thief = installation.browser()
    body = {"email": "ada@example.com", "password": "some other password", "name": "Ada"}
    answer = thief.post("/api/accounts", json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-mismatch")
    assert "set-cookie" not in answer.headers
    assert thief.get("/api/keys").status_code == 401


def test_a_key_used_with_other_input_is_refused(installation: Installation) -> None:
    headers = {"Idempotency-Key": "once"}
    sign_up(installation.browser(), "ada@example.com", "Ada", **headers)
    answer = sign_up(installation.browser(), "ada@example.com", "Eve", **headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-mismatch")


def test_an_invited_person_signs_in_once_by_link(installation: Installation) -> None:
    invitation = installation.accounts.invite("new@example.com")
    assert invitation.link_token is not None
    signed_in = installation.sessions.redeem(invitation.link_token)
    caller = installation.sessions.find(signed_in.token)
    assert caller is not None
    assert (caller.account_id, caller.workspace_id) == (
        invitation.account_id,
        invitation.workspace_id,
    )
    with pytest.raises(LinkSpent):
        installation.sessions.redeem(invitation.link_token)


def test_inviting_a_known_address_finds_its_account_and_makes_no_link(
    installation: Installation,
) -> None:
    musician = installation.signed_up()
    invitation = installation.accounts.invite(musician.email.upper())
    assert invitation.account_id == musician.account["id"]
    assert invitation.link_token is None


def test_a_link_older_than_a_day_is_spent(installation: Installation) -> None:
    token = installation.accounts.invite("new@example.com").link_token
    assert token is not None
    with installation.pool.connection() as connection:
        connection.execute("UPDATE credentials_links SET expires_at = now() - interval '1 second'")
    with pytest.raises(LinkSpent):
        installation.sessions.redeem(token)


def test_an_account_without_password_cannot_be_signed_in_to(installation: Installation) -> None:
    installation.accounts.invite("new@example.com")
    body = {"email": "new@example.com", "password": "the password of nobody"}
    assert installation.browser().post("/api/sessions", json=body).status_code == 401


def test_granting_operator_counts_from_the_next_request_on(installation: Installation) -> None:
    installation.signed_up()
    second = installation.signed_up()
    wish = {"name": "op", "scopes": ["operator"]}
    assert second.post("/api/keys", json=wish).status_code == 403
    installation.accounts.grant_operator(second.email)
    assert second.post("/api/keys", json=wish).status_code == 201
    before = len(installation.types())
    installation.accounts.grant_operator(second.email)
    assert len(installation.types()) == before
    with pytest.raises(NotFound):
        installation.accounts.grant_operator("stranger@example.com")


def test_a_new_password_counts_at_once_and_ends_other_sessions(installation: Installation) -> None:
    musician, elsewhere = installation.signed_up(), installation.browser()
    old = {"email": musician.email, "password": PASSWORD}
    new = {"email": musician.email, "password": "another long password"}
    assert elsewhere.post("/api/sessions", json=old).status_code == 201
    change = {"password": new["password"], "current_password": "a wrong guess"}
    assert musician.put("/api/me/password", json=change).status_code == 401
    assert elsewhere.get("/api/keys").status_code == 200
    change["current_password"] = PASSWORD
    answer = musician.put("/api/me/password", json=change)
    assert answer.status_code == 204, answer.text
    assert int(answer.headers["Event-Position"]) == installation.log.events.head()
    assert installation.types()[-1] == "account.password_changed"
    assert elsewhere.get("/api/keys").status_code == 401
    assert musician.get("/api/keys").status_code == 200
    assert installation.browser().post("/api/sessions", json=old).status_code == 401
    assert installation.browser().post("/api/sessions", json=new).status_code == 201


def test_a_password_that_is_guessed_first_is_refused_wherever_one_is_set(
    installation: Installation,
) -> None:
    client = installation.browser()
    for weak in ("password", "12345678", "ada@example.com", "Ada Okoye"):
        body = {"email": "ada@example.com", "password": weak, "name": "Ada Okoye"}
        refused = client.post("/api/accounts", json=body)
        assert (refused.status_code, refused.json()["code"]) == (422, "password-too-common")
    assert installation.events() == []
    assert sign_up(client, "ada@example.com", "Ada Okoye").status_code == 201
    for weak in ("password", "ada@example.com", "Ada Okoye"):
        change = {"password": weak, "current_password": PASSWORD}
        refused = client.put("/api/me/password", json=change)
        assert (refused.status_code, refused.json()["code"]) == (422, "password-too-common")


def test_an_invited_person_chooses_a_first_password(installation: Installation) -> None:
    token = installation.accounts.invite("new@example.com").link_token
    assert token is not None
    client = installation.browser()
    client.cookies.set("noculture_session", installation.sessions.redeem(token).token)
    assert client.put("/api/me/password", json={"password": PASSWORD}).status_code == 204
    body = {"email": "new@example.com", "password": PASSWORD}
    assert installation.browser().post("/api/sessions", json=body).status_code == 201
    again = client.put("/api/me/password", json={"password": "no current password"})
    assert again.status_code == 422


def test_a_missing_current_password_is_told_apart_from_a_wrong_one(
    installation: Installation,
) -> None:
    """It was 401, and clients sent people to sign in who were signed in."""
    musician = installation.signed_up()
    missing = musician.put("/api/me/password", json={"password": "another long password"})
    assert (missing.status_code, missing.json()["code"]) == (422, "current-password-missing")
    page = musician.get("/account").text
    csrf = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert csrf is not None
    form = {"csrf_token": csrf[1], "password": "another long password"}
    shown = musician.post("/account/password", data=form)
    assert shown.status_code == 422
    assert "The current password is missing" in shown.text
    old = {"email": musician.email, "password": PASSWORD}
    assert installation.browser().post("/api/sessions", json=old).status_code == 201


def test_of_two_new_passwords_at_once_one_counts_and_the_other_is_refused(
    installation: Installation,
) -> None:
    """Both were told 204, and one of the two passwords was dead."""
    owner = installation.signed_up()
    other = installation.browser()
    signed_in = other.post("/api/sessions", json={"email": owner.email, "password": PASSWORD})
    assert signed_in.status_code == 201
    together, prove = Barrier(2), installation.accounts._prove

    def proven_together(*given: object) -> None:
        prove(*given)
        together.wait(20)

    def change(client: TestClient, password: str) -> int:
        new = {"current_password": PASSWORD, "password": password}
        return client.put("/api/me/password", json=new).status_code

    installation.accounts._prove = proven_together
    try:
        with ThreadPoolExecutor(2) as pool:
            chosen = {"one long new password": owner, "two long new passwords": other}
            answers = dict(zip(chosen, pool.map(change, chosen.values(), chosen), strict=True))
    finally:
        del installation.accounts._prove
    assert sorted(answers.values()) == [204, 401]
    for password, answered in answers.items():
        body = {"email": owner.email, "password": password}
        status = installation.browser().post("/api/sessions", json=body).status_code
        assert status == (201 if answered == 204 else 401)
