"""Errors in a musician's words: whatever a page can answer, and whatever error is added later."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import FastAPI, HTTPException, Request, Response
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from commands.vault.quota import QuotaExceeded
from events.claims import Numbered
from kit.auth import MissingScope
from kit.caller import Caller
from kit.install import install_kit
from kit.limits import TooManyRequests
from kit.policies import Policy
from kit.site import Site
from runtime.areas import ALL, AREAS
from schemas.errors import NoCultureError
from tests.fixtures.errors import declared_errors
from tests.fixtures.pages import PageSeen
from web.app import load_look, problem_page
from web.troubles import in_plain_words, is_plain, trouble

STATUSES = (400, 403, 404, 405, 409, 410, 412, 413, 415, 422, 428, 429, 500, 503)
SAMPLES = {"state": "verified", "scope": "assets:write", "usage": None}
KINDS = {"datetime": datetime(2026, 1, 1, tzinfo=UTC), "Numbered": Numbered("place", "today", 3)}
HTML = {"Accept": "text/html"}
PHRASES = ("Not Found", "Forbidden", "Conflict", "Gone", "Internal Server Error", "Bad Request")

WORDS = [area.words(ALL) for area in AREAS]


def example(error: type[NoCultureError]) -> NoCultureError | None:
    """One of its kind; None for those that carry more than figures and names."""
    if error is TooManyRequests:
        return TooManyRequests(Policy("read", 600, 60), 2.2)
    if "__init__" not in vars(error) or error is QuotaExceeded:
        return None
    wanted = inspect.signature(error).parameters.values()
    told: list[Any] = []
    for parameter in wanted:
        kind = str(parameter.annotation)
        if parameter.default is not parameter.empty:
            continue
        number = 7 if "int" in kind else 1.5 if "float" in kind else None
        named = KINDS.get(kind) or SAMPLES.get(parameter.name, "so-and-so")
        told.append([] if "list" in kind else number or named)
    return error(*told) if error.__name__ != "AudioRefused" else None


ERRORS = [found for each in declared_errors() if (found := example(each)) is not None]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_no_error_speaks_to_programs_on_a_page(error: NoCultureError):
    said = in_plain_words(error)
    assert is_plain(said)
    assert error.code not in said or "-" not in error.code
    assert not any(phrase in said for phrase in PHRASES)
    assert not said[0].islower()
    assert said.endswith(".")


@given(
    st.sampled_from(STATUSES) | st.integers(400, 599),
    st.text(max_size=20),
    st.text() | st.sampled_from(['Send `If-Match`: "v7"', "errors[] names it: look", "x_y: z"]),
)
def test_whatever_an_error_says_a_page_says_what_happened_and_what_to_do(status, code, detail):
    found = trouble(status, code, detail)
    assert found.heading
    assert found.what
    assert found.deed
    assert is_plain(f"{found.what} | {found.deed}")


def test_a_sentence_for_people_is_kept():
    said = "E-mail address or password is wrong: check both and try again"
    found = trouble(401, "wrong-credentials", said)
    assert (found.what, found.deed) == tuple(said.split(": "))


def test_a_limit_says_how_long_to_wait():
    assert "Wait 3 seconds" in in_plain_words(TooManyRequests(Policy("read", 600, 60), 2.2))
    assert "600" not in in_plain_words(TooManyRequests(Policy("read", 600, 60), 2.2))


class Doorman:
    """Knows one visitor, by the cookie `me`."""

    def find(self, request: Request) -> Caller | None:
        if "me" in request.cookies:
            request.state.caller = Caller("acc_1", "wsp_1", session_id="ses_1", csrf_token="t" * 20)
        return getattr(request.state, "caller", None)


@pytest.fixture(scope="module")
def site() -> TestClient:
    app = FastAPI()

    @app.api_route("/fails/{status}", methods=["GET", "POST"])
    def fails(status: int) -> Response:
        if status == 500:
            raise RuntimeError("swordfish")
        raise HTTPException(status)

    @app.get("/system")
    def system() -> Response:
        raise MissingScope("operator")

    page = problem_page(load_look(WORDS), Doorman())
    install_kit(app, Site(allowed_hosts="testserver"), (), page)
    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize("signed_in", [True, False])
@pytest.mark.parametrize("status", STATUSES)
def test_the_page_of_each_status_is_in_plain_words(site: TestClient, status: int, signed_in: bool):
    headers = {**HTML, "Cookie": "me=1"} if signed_in else HTML
    for answer in (
        site.get(f"/fails/{status}", headers=headers),
        site.post(
            f"/fails/{status}", headers={**headers, "Referer": "http://testserver/vault?q=a"}
        ),
    ):
        page = PageSeen(answer.text)
        assert answer.status_code == status
        assert page.title == f"{page.headings[0][1]} · NoCulture"
        assert str(status) not in page.text
        assert is_plain(page.text)
        assert not any(phrase in answer.text for phrase in PHRASES)
        assert "swordfish" not in answer.text
        # After a 500 nobody is asked for once more: the database may be what is broken.
        assert page.has_navigation == (signed_in and status < 500)
        leads = [e for e in page.elements if e.attributes.get("class") == "button primary"]
        assert len(leads) == 1
        assert (leads[0].attributes["href"] or "").startswith("/")


def test_a_scope_is_not_named_to_people(site: TestClient):
    page = PageSeen(site.get("/system", headers={**HTML, "Cookie": "me=1"}).text)
    assert "scope" not in page.text
    assert page.marked == []


@pytest.mark.parametrize(
    ("referer", "leads_to"),
    [
        ("http://testserver/assets/ast_1?x=1", "/assets/ast_1?x=1"),
        ("http://elsewhere.example/vault", "/"),
        ("http://testserver//elsewhere.example", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_the_way_back_stays_on_this_site(site: TestClient, referer: str, leads_to: str):
    answer = site.post("/fails/409", headers={**HTML, "Referer": referer})
    lead = next(
        e for e in PageSeen(answer.text).elements if e.attributes.get("class") == "button primary"
    )
    assert lead.attributes["href"] == leads_to
