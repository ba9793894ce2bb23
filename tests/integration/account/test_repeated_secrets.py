"""A replayed Idempotency-Key with another secret is another command: 422, never the old answer."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel, SecretStr
from starlette.testclient import TestClient

from commands.account.accounts import ChangePassword
from commands.account.repeats import secrets_of
from kit.idempotency import idempotency_key
from tests.integration.http.app import PASSWORD, Installation, sign_up

NEW, OTHER = "another long password", "some third password"
HEADERS = {"Idempotency-Key": "once"}
CHANGE = {"password": NEW, "current_password": PASSWORD}

# Every route that takes an Idempotency-Key and secrets: what is sent first, and what a thief of the
# key sends. (method, path) -> (body, other bodies)
ROUTES: dict[tuple[str, str], tuple[dict[str, Any], list[dict[str, Any]]]] = {
    ("POST", "/api/accounts"): (
        {"email": "ada@example.com", "password": PASSWORD, "name": "Ada"},
        [{"email": "ada@example.com", "password": OTHER, "name": "Ada"}],
    ),
    ("PUT", "/api/me/password"): (
        CHANGE,
        [
            CHANGE | {"password": OTHER},
            CHANGE | {"password": OTHER, "current_password": NEW},
            CHANGE | {"current_password": NEW},
            {"password": NEW},
        ],
    ),
}
# The account is gone with the first answer; a wrong proof before it changes nothing.
ENDS_THE_SESSION = {("DELETE", "/api/me")}


def _has_secrets(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return any(
            SecretStr in _leaves(field.annotation)
            or any(map(_has_secrets, _leaves(field.annotation)))
            for field in annotation.model_fields.values()
        )
    return any(map(_has_secrets, _leaves(annotation) - {annotation}))


def _leaves(annotation: Any) -> set[Any]:
    arguments = getattr(annotation, "__args__", ())
    found = {annotation} if not arguments else set()
    for argument in arguments:
        found |= _leaves(argument) if not isinstance(argument, str) else set()
    return found


def _takes_a_key(dependant: Any) -> bool:
    return dependant.call is idempotency_key or any(map(_takes_a_key, dependant.dependencies))


def test_every_route_with_a_key_and_a_secret_is_tried(installation: Installation) -> None:
    found = set()
    for context in iter_route_contexts(installation.app.routes):
        route = context.original_route
        if not isinstance(route, APIRoute) or not _takes_a_key(route.dependant):
            continue
        bodies = [field.field_info.annotation for field in route.dependant.body_params]
        if any(map(_has_secrets, bodies)):
            found |= {(method, context.path) for method in route.methods}
    assert found == ROUTES.keys() | ENDS_THE_SESSION


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_replay_with_another_secret_is_refused_and_the_same_is_answered_again(
    installation: Installation, method: str, path: str
) -> None:
    client = installation.browser() if path == "/api/accounts" else installation.signed_up()
    body, others = ROUTES[method, path]
    first = client.request(method, path, json=body, headers=HEADERS)
    assert first.is_success, first.text
    head = installation.log.events.head()
    for other in others:
        refused = client.request(method, path, json=other, headers=HEADERS)
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency-mismatch")
    again = client.request(method, path, json=body, headers=HEADERS)
    assert again.status_code == first.status_code
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Event-Position"] == first.headers["Event-Position"]
    assert installation.log.events.head() == head


def test_what_is_kept_of_a_secret_is_slow_to_guess_and_gone_with_the_account(
    installation: Installation, musician: TestClient
) -> None:
    assert musician.put("/api/me/password", json=CHANGE, headers=HEADERS).status_code == 204
    kept = installation.scalar("SELECT secret_hash FROM credentials_repeats")
    assert kept.startswith("$argon2id$")
    stored = b"".join(envelope.data for envelope in installation.log.events.after(0, 100))
    assert b"argon2" not in stored
    assert musician.request("DELETE", "/api/me", json={"password": NEW}).status_code == 202
    assert installation.scalar("SELECT count(*) FROM credentials_repeats") == 0


def test_without_a_key_nothing_is_kept(installation: Installation, musician: TestClient) -> None:
    assert musician.put("/api/me/password", json=CHANGE).status_code == 204
    assert installation.scalar("SELECT count(*) FROM credentials_repeats") == 0


def test_a_replayed_sign_up_does_not_pass_the_second_factor_by(installation: Installation) -> None:
    import pyotp

    ada = installation.browser()
    assert sign_up(ada, "ada@example.com", **HEADERS).status_code == 201
    begun = ada.post("/api/me/second-factor").json()
    code = pyotp.TOTP(begun["secret"]).now()
    assert ada.post("/api/me/second-factor/confirm", json={"code": code}).status_code == 200
    thief = installation.browser()
    refused = sign_up(thief, "ada@example.com", **HEADERS)
    assert (refused.status_code, refused.json()["code"]) == (409, "email-taken")
    assert "set-cookie" not in refused.headers


def test_every_secret_of_a_command_counts() -> None:
    told = ChangePassword(password=NEW, current_password=PASSWORD, code="123456")
    assert dict(secrets_of(told)) == {
        "password": NEW,
        "current_password": PASSWORD,
        "code": "123456",
    }
