"""API keys and what their scopes allow."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from kit.policies import Policy
from tests.conftest import Database
from tests.integration.http.app import Installation, open_installation, upload


def issue(client: TestClient, *scopes: str, **headers: str):
    body = {"name": "script", "scopes": list(scopes)}
    return client.post("/api/keys", json=body, headers=headers)


def test_a_key_is_shown_once_and_stored_as_a_hash(
    installation: Installation, musician: TestClient
) -> None:
    answer = issue(musician, "assets:read", "assets:write")
    assert answer.status_code == 201
    key = answer.json()
    assert key["key"].startswith("nck_")
    assert len(key["key"]) >= 4 + 43
    assert key["hint"] == key["key"][-4:]
    assert int(answer.headers["Event-Position"]) == installation.log.events.head()
    listed = musician.get("/api/keys").json()
    assert listed["has_more"] is False
    assert listed["next_cursor"] is None
    assert [found["id"] for found in listed["data"]] == [key["id"]]
    assert listed["data"][0]["key"] is None
    assert listed["data"][0]["scopes"] == ["assets:read", "assets:write"]
    stored = b"".join(envelope.data for envelope in installation.log.events.after(0, 100))
    assert key["key"].encode() not in stored
    assert (
        installation.scalar(
            "SELECT count(*) FROM credentials_keys WHERE key_hash = sha256(%s)", key["key"].encode()
        )
        == 1
    )


def test_the_same_command_again_gives_the_same_key_without_its_secret(
    installation: Installation, musician: TestClient
) -> None:
    first = issue(musician, "assets:read", **{"Idempotency-Key": "k"})
    again = issue(musician, "assets:read", **{"Idempotency-Key": "k"})
    assert again.status_code == 201
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == {**first.json(), "key": None}
    assert installation.scalar("SELECT count(*) FROM credentials_keys") == 1
    other = issue(musician, "assets:write", **{"Idempotency-Key": "k"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-mismatch")


def test_two_callers_may_use_the_same_idempotency_key(installation: Installation) -> None:
    one, two = installation.signed_up(), installation.signed_up()
    ids = {issue(c, "assets:read", **{"Idempotency-Key": "k"}).json()["id"] for c in (one, two)}
    assert len(ids) == 2


def test_a_revoked_key_stops_at_once(installation: Installation, musician: TestClient) -> None:
    key = issue(musician, "account:read").json()
    program = installation.browser()
    program.headers["Authorization"] = f"Bearer {key['key']}"
    assert program.get("/api/keys").status_code == 200
    answer = musician.delete(f"/api/keys/{key['id']}")
    assert answer.status_code == 204
    assert int(answer.headers["Event-Position"]) == installation.log.events.head()
    refused = program.get("/api/keys")
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid-key")
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    assert musician.get("/api/keys").json()["data"] == []
    assert musician.delete(f"/api/keys/{key['id']}").status_code == 204


def test_anothers_key_does_not_exist(installation: Installation, musician: TestClient) -> None:
    key = issue(musician, "assets:read").json()
    other = installation.signed_up()
    for unknown in (key["id"], "key_" + "0" * 32, "nonsense"):
        assert other.delete(f"/api/keys/{unknown}").status_code == 404
    assert other.get("/api/keys").json()["data"] == []
    assert installation.types().count("key.revoked") == 0


@pytest.mark.parametrize(
    ("scopes", "may_read", "may_upload", "may_issue"),
    [
        (("account:read",), True, False, False),
        (("assets:write",), False, True, False),
        (("assets:read", "events:read"), False, False, False),
        (("account:write",), False, False, True),
        (("*",), True, True, True),
    ],
)
def test_a_key_may_do_what_its_scopes_say_and_no_more(
    installation: Installation,
    musician: TestClient,
    scopes: tuple[str, ...],
    may_read: bool,
    may_upload: bool,
    may_issue: bool,
) -> None:
    program = installation.program(musician, *scopes, proven=True)
    tried = (
        (program.get("/api/keys"), may_read, "account:read"),
        (upload(program, b"some bytes"), may_upload, "assets:write"),
        (issue(program, scopes[0]), may_issue, "account:write"),
    )
    for answer, allowed, scope in tried:
        if allowed:
            assert answer.status_code < 300
        else:
            assert answer.status_code == 403
            assert (answer.json()["code"], answer.json()["scope"]) == ("missing-scope", scope)


def test_a_key_cannot_give_more_than_it_holds(
    installation: Installation, musician: TestClient
) -> None:
    program = installation.program(musician, "account:write", proven=True)
    for wish in ("*", "assets:read", "operator"):
        answer = issue(program, wish)
        assert (answer.status_code, answer.json()["code"]) == (403, "scope-exceeds-caller")
    assert issue(program, "account:write").status_code == 201


def test_only_an_operator_gives_the_scope_operator(installation: Installation) -> None:
    first, second = installation.signed_up(), installation.signed_up()
    assert issue(first, "operator").status_code == 201
    refused = issue(second, "operator")
    assert (refused.status_code, refused.json()["code"]) == (403, "scope-exceeds-account")


def test_unknown_and_missing_scopes_are_refused(musician: TestClient) -> None:
    unknown = issue(musician, "assets:everything")
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown-scope")
    assert issue(musician).status_code == 422


@pytest.mark.parametrize(
    "header", ["Bearer nck_wrong", "Bearer ", "Basic YTpi", "nck_x", "Bearer " + "x" * 5000]
)
def test_a_bad_authorization_header_is_401_even_beside_a_good_cookie(
    musician: TestClient, header: str
) -> None:
    answer = musician.get("/api/keys", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert "WWW-Authenticate" in answer.headers


def test_guessing_keys_is_slowed_down(database: Database, tmp_path) -> None:
    with open_installation(database, tmp_path / "b", Policy("unverified", 2)) as installation:
        client = installation.browser()
        headers = {"Authorization": "Bearer nck_guess"}
        answers = [client.get("/api/keys", headers=headers) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [401, 401, 429]


def test_last_use_is_noted_coarsely(installation: Installation, musician: TestClient) -> None:
    program = installation.program(musician, "account:read")
    assert musician.get("/api/keys").json()["data"][0]["last_used_at"] is None
    program.get("/api/keys")
    noted = musician.get("/api/keys").json()["data"][0]["last_used_at"]
    assert noted is not None
    program.get("/api/keys")
    assert musician.get("/api/keys").json()["data"][0]["last_used_at"] == noted
