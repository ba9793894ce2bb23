"""What harms most takes a fresh proof: a session left open or a stolen key is not enough."""

from __future__ import annotations

from typing import Any

import pyotp
import pytest
from starlette.testclient import TestClient

from commands.account.proofs import PROOF_PATIENCE
from tests.integration.http.app import PASSWORD, Installation

# Every route of the API that asks for one, and what it is sent.
SENSITIVE: dict[tuple[str, str], Any] = {
    ("POST", "/api/keys"): {"name": "k", "scopes": ["account:read"]},
    ("POST", "/api/me/second-factor"): None,
    ("POST", "/api/me/second-factor/recovery-codes"): None,
    ("DELETE", "/api/me/second-factor"): None,
    ("POST", "/api/me/passkeys/options"): None,
    ("DELETE", "/api/me/passkeys/{passkey_id}"): None,
    ("DELETE", "/api/me/sessions"): None,
    ("DELETE", "/api/me/sessions/{session_id}"): None,
    ("DELETE", "/api/me"): None,
    ("PUT", "/api/me/password"): {"password": "another long password"},
}
# And what of the account needs none, each with its reason.
EXEMPT = {
    ("DELETE", "/api/sessions"): "one's own sign-out",
    ("DELETE", "/api/keys/{key_id}"): "takes a way in away; who found a thief is not held up",
    ("POST", "/api/me/second-factor/confirm"): "a code of the seed that only a proof has shown",
    ("POST", "/api/me/passkeys"): "a challenge that only a proof has got",
    ("POST", "/api/me/proof"): "gives one",
    ("POST", "/api/me/proof/passkey"): "gives one",
    ("POST", "/api/me/proof/passkey/options"): "asks for one",
    ("POST", "/api/me/address/verify"): "a code of the mailbox",
    ("POST", "/api/me/address/code"): "mails the owner",
}


def make_stale(installation: Installation) -> None:
    """Six minutes go by."""
    with installation.pool.connection() as connection:
        for table in ("credentials_sessions", "credentials_keys"):
            connection.execute(
                f"UPDATE {table} SET proven_at = proven_at - interval '6 minutes',"
                " fully_proven_at = fully_proven_at - interval '6 minutes'"
            )


def issue(client: TestClient, *scopes: str):
    return client.post("/api/keys", json={"name": "k", "scopes": list(scopes or ("*",))})


@pytest.fixture
def phone(musician: TestClient) -> pyotp.TOTP:
    """Of an account that has a second factor."""
    begun = musician.post("/api/me/second-factor", json={"password": PASSWORD}).json()
    totp = pyotp.TOTP(begun["secret"])
    answer = musician.post("/api/me/second-factor/confirm", json={"code": totp.now()})
    assert answer.status_code == 200, answer.text
    musician.codes = answer.json()["codes"]
    return totp


def test_every_route_that_changes_an_account_asks_for_a_proof_or_says_why_not(
    installation: Installation,
) -> None:
    paths = installation.app.openapi()["paths"]
    changing = {
        (method.upper(), path)
        for path, methods in paths.items()
        for method in methods
        if method != "get" and path.startswith(("/api/me", "/api/keys"))
    }
    assert changing | {("DELETE", "/api/sessions")} == SENSITIVE.keys() | EXEMPT.keys()


@pytest.mark.parametrize(("method", "path"), SENSITIVE)
@pytest.mark.parametrize("by", ["session", "key"])
def test_neither_an_old_session_nor_an_unproven_key_is_enough(
    installation: Installation, musician: TestClient, method: str, path: str, by: str
) -> None:
    client = installation.program(musician, "*") if by == "key" else musician
    make_stale(installation)
    before = installation.log.events.head()
    address = path.format(passkey_id="psk_" + "0" * 32, session_id="ses_" + "0" * 32)
    refused = client.request(method, address, json=SENSITIVE[method, path])
    if path == "/api/me/password":
        # The current password itself is asked for.
        assert (refused.status_code, refused.json()["code"]) == (422, "current-password-missing")
    else:
        assert (refused.status_code, refused.json()["code"]) == (403, "proof-needed"), refused.text
        assert refused.json()["ways"] == ["password"]
        assert refused.json()["prove_at"] == "/api/me/proof"
        assert "/api/me/proof" in refused.json()["detail"]
    assert installation.log.events.head() == before


def test_signing_up_and_signing_in_are_proofs(installation: Installation) -> None:
    musician = installation.signed_up()
    assert issue(musician).status_code == 201
    make_stale(installation)
    assert issue(musician).status_code == 403
    body = {"email": musician.email, "password": PASSWORD}
    assert musician.post("/api/sessions", json=body).status_code == 201
    assert issue(musician).status_code == 201


@pytest.mark.parametrize("by", ["session", "key"])
def test_a_proof_counts_for_what_gave_it_and_for_five_minutes(
    installation: Installation, musician: TestClient, by: str
) -> None:
    client = installation.program(musician, "account:write") if by == "key" else musician
    elsewhere = installation.program(musician, "account:write")
    make_stale(installation)
    given = client.post("/api/me/proof", json={"password": PASSWORD})
    assert given.status_code == 200, given.text
    assert given.json()["every_factor"] is True
    assert issue(client, "account:write").status_code == 201
    assert issue(elsewhere, "account:write").status_code == 403
    make_stale(installation)
    assert issue(client, "account:write").status_code == 403


def test_a_stolen_key_cannot_make_keys_change_the_password_or_erase_by_itself(
    installation: Installation, musician: TestClient
) -> None:
    thief = installation.program(musician, "*")
    assert issue(thief).status_code == 403
    for body in ({}, {"password": "a guess of it"}, {"code": "000000"}):
        erased = thief.request("DELETE", "/api/me", json=body)
        assert erased.status_code in (401, 403, 409)
        guess = body.get("password")
        changed = thief.put(
            "/api/me/password", json={"password": "the thief's own", "current_password": guess}
        )
        assert changed.status_code == (401 if guess else 422)
    assert musician.get("/api/keys").status_code == 200


def test_a_password_in_the_request_is_a_proof_and_after_another_it_is_not_needed(
    installation: Installation,
) -> None:
    one, two = installation.signed_up(), installation.signed_up()
    one_more = installation.signed_up()
    make_stale(installation)
    assert one_more.request("DELETE", "/api/me", json={"password": PASSWORD}).status_code == 202
    assert two.delete("/api/me").status_code == 403
    assert two.post("/api/me/proof", json={"password": PASSWORD}).status_code == 200
    assert two.delete("/api/me").status_code == 202
    wrong = one.request("DELETE", "/api/me", json={"password": "not it at all"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong-credentials")


def test_guesses_of_a_proof_wait_ever_longer_for_whoever_guesses(
    installation: Installation, musician: TestClient
) -> None:
    thief = installation.program(musician, "assets:read")
    for _ in range(PROOF_PATIENCE.free):
        wrong = thief.post("/api/me/proof", json={"password": "not it at all"})
        assert wrong.status_code == 401
    refused = thief.post("/api/me/proof", json={"password": PASSWORD})
    assert (refused.status_code, refused.json()["code"]) == (429, "too-many-guesses")
    assert thief.request("DELETE", "/api/me", json={"password": PASSWORD}).status_code == 403
    # The owner's own browser and whoever signs in with the right password are not held up.
    assert musician.post("/api/me/proof", json={"password": PASSWORD}).status_code == 200
    body = {"email": musician.email, "password": PASSWORD}
    assert installation.browser().post("/api/sessions", json=body).status_code == 201


def test_with_a_second_factor_ways_in_need_both_and_the_rest_one(
    installation: Installation, musician: TestClient, phone: pyotp.TOTP
) -> None:
    make_stale(installation)
    refused = issue(musician)
    assert refused.json()["ways"] == ["password and code"]
    one = musician.post("/api/me/proof", json={"password": PASSWORD})
    assert one.json()["every_factor"] is False
    assert musician.delete("/api/me/sessions").status_code == 204
    for method, path in (
        ("POST", "/api/keys"),
        ("DELETE", "/api/me/second-factor"),
        ("POST", "/api/me/second-factor/recovery-codes"),
        ("POST", "/api/me/passkeys/options"),
    ):
        answer = musician.request(method, path, json=SENSITIVE[method, path])
        assert (answer.status_code, answer.json()["code"]) == (403, "proof-needed")
    change = {"password": "another long password", "current_password": PASSWORD}
    assert musician.put("/api/me/password", json=change).json()["code"] == "proof-needed"
    both = {"password": PASSWORD, "code": musician.codes[0]}
    assert musician.post("/api/me/proof", json=both).json()["every_factor"] is True
    assert issue(musician).status_code == 201
    assert musician.put("/api/me/password", json=change).status_code == 204


def test_a_code_alone_proves_enough_to_end_sessions(
    installation: Installation, musician: TestClient, phone: pyotp.TOTP
) -> None:
    make_stale(installation)
    assert musician.delete("/api/me/sessions").json()["ways"] == ["password", "code"]
    assert musician.post("/api/me/proof", json={"code": musician.codes[1]}).status_code == 200
    assert musician.delete("/api/me/sessions").status_code == 204
    assert installation.types()[-1] == "account.recovery_code_used"
    assert musician.post("/api/me/proof", json={"code": musician.codes[1]}).status_code == 401


def test_a_new_password_takes_back_what_the_old_one_has_proven(
    installation: Installation, musician: TestClient
) -> None:
    thief = installation.program(musician, "account:write")
    assert thief.post("/api/me/proof", json={"password": PASSWORD}).status_code == 200
    change = {"password": "another long password", "current_password": PASSWORD}
    assert musician.put("/api/me/password", json=change).status_code == 204
    assert issue(thief, "account:write").status_code == 403


def test_nothing_proves_nothing(musician: TestClient) -> None:
    answer = musician.post("/api/me/proof", json={})
    assert (answer.status_code, answer.json()["code"]) == (422, "nothing-given")


def test_somebody_without_a_password_is_told_of_the_mail(installation: Installation) -> None:
    link = installation.accounts.invite("new@example.com").link_token
    client = installation.browser()
    client.cookies.set("noculture_session", installation.sessions.redeem(link).token)
    assert issue(client).status_code == 201
    make_stale(installation)
    refused = issue(client)
    assert refused.json()["ways"] == ["password-reset"]
    assert "/api/password-resets" in refused.json()["detail"]
    chosen = client.put("/api/me/password", json={"password": "a long password"})
    assert chosen.json()["code"] == "proof-needed"


def test_a_challenge_of_a_proof_adds_no_passkey(
    installation: Installation, musician: TestClient
) -> None:
    """A stolen session may ask for it; with it as an addition's, it could bring its own device."""
    asked = musician.post("/api/me/proof/passkey/options")
    assert asked.status_code == 200, asked.text
    purposes = "SELECT string_agg(purpose, ',') FROM credentials_challenges"
    assert installation.scalar(purposes) == "prove"
    spend = "SELECT challenge FROM credentials_challenges"
    challenge = installation.scalar(spend)
    from commands.account.passkeys import Passkeys

    passkeys = Passkeys(installation.commands, installation.logins)
    for purpose in ("add", "sign-in"):
        with pytest.raises(ValueError, match="not given"):
            passkeys._spend(challenge, purpose)
    assert passkeys._spend(challenge, "prove") == musician.account["id"]
