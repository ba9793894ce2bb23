"""What a page and its script are told when the session is over, and what is sent twice."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from tests.integration.http.tenants import SESSION, Installation

PAGE = {"Accept": "text/html"}
HTMX = {**PAGE, "HX-Request": "true"}
OVER = {"Cookie": f"{SESSION}=ended"}
HERE = "http://testserver"


@pytest.mark.parametrize("address", ["/vault?q=dub&sort=title", "/collections", "/account"])
def test_a_page_without_a_session_leads_to_the_sign_in_and_back(visitor: TestClient, address: str):
    answer = visitor.get(address, headers={**PAGE, **OVER})
    assert answer.status_code == 303
    form = visitor.get(answer.headers["location"], headers={**PAGE, **OVER}).text
    assert "You were signed out." in form
    assert f'name="next" value="{address}"'.replace("&", "&amp;") in form


@pytest.mark.parametrize("name", ["Referer", "HX-Current-URL"])
def test_a_change_without_a_session_leads_back_to_the_page_that_sent_it(
    visitor: TestClient, name: str
):
    def led_to(page: str) -> str:
        headers = {**PAGE, **OVER, name: page}
        answer = visitor.post("/assets/ast_1/comments", data={"text": "So"}, headers=headers)
        return str(answer.headers["location"])

    assert led_to(f"{HERE}/assets/ast_1?x=1") == "/sign-in?next=/assets/ast_1%3Fx%3D1"
    assert led_to("http://elsewhere.example/assets/ast_1") == "/sign-in"


def test_the_script_of_a_page_can_tell_an_ended_session_from_a_wrong_password(
    tenants: Installation, visitor: TestClient
):
    for path in ("/vault", "/session", "/api/me"):
        answer = visitor.get(path, headers={**HTMX, **OVER})
        assert answer.status_code == 401
        assert "www-authenticate" in answer.headers
    # Without the script htmx loads the sign-in page.
    answer = visitor.get("/vault", headers={**HTMX, **OVER})
    assert answer.headers["hx-redirect"] == "/sign-in?next=/vault"
    wrong = {"email": tenants.one.email, "password": "not the one"}
    answer = visitor.post("/api/sessions", json=wrong)
    assert answer.status_code == 401
    assert "www-authenticate" not in answer.headers


def test_the_session_tells_whose_it_is_and_gives_a_token_that_forms_are_taken_with(
    tenants: Installation,
):
    one = tenants.one
    told = one.client.get("/session").json()
    assert (told["account_id"], told["email"]) == (one.account_id, one.email)
    form = {"csrf_token": told["form_token"], "at": "0:01", "text": "With the token of /session"}
    headers = {**PAGE, "Idempotency-Key": "k-1"}
    path = f"/assets/{one.asset}/comments"
    for _ in range(2):
        answer = one.client.post(path, data=form, headers=headers, follow_redirects=False)
        assert answer.status_code == 303
    tenants.settle()
    said = one.client.get(f"/api/assets/{one.asset}/comments").json()["data"]
    assert [each["text"] for each in said].count(form["text"]) == 1
    refused = one.client.post(path, data={**form, "csrf_token": "x"}, headers=headers)
    assert refused.status_code == 403
    assert refused.headers["noculture-problem"] == "form-token-mismatch"


def test_a_key_whose_answer_was_lost_is_made_once_and_said_so(tenants: Installation):
    client = tenants.one.client
    form = {
        "csrf_token": client.get("/session").json()["form_token"],
        "name": "Made once",
        "scopes": "assets:read",
    }
    headers = {**PAGE, "Idempotency-Key": "k-2"}
    first, second = (client.post("/account/keys", data=form, headers=headers) for _ in range(2))
    assert re.search(r'id="new-key" value="nck_', first.text)
    assert second.status_code == 409
    assert "Made once” was made already" in second.text
    assert [key["name"] for key in client.get("/api/keys").json()["data"]].count("Made once") == 1
