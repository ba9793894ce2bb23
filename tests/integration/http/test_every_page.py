"""What holds for the HTML of every page, also of one that is added later: all routes are walked."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from runtime.areas import SCOPES
from tests.fixtures.errors import declared_errors
from tests.fixtures.pages import PageSeen
from tests.integration.http.every_route import ROUTES
from tests.integration.http.routes import Route
from tests.integration.http.tenants import SESSION, Installation, Tenant

HTML = {"Accept": "text/html"}
PAGES = sorted(
    (path, route)
    for (method, path), route in ROUTES.items()
    if method == "GET" and not path.startswith(("/api/", "/static/")) and "." not in path
)
NO_PAGES = (
    "/healthz",
    "/readyz",
    "/metrics",
    "/vault/archive",
    "/collections/{collection_id}/archive",
)
PAGES = [(path, route) for path, route in PAGES if path not in NO_PAGES]
OF_THINGS = [(path, route) for path, route in PAGES if route.names]
FORMS = sorted(
    path
    for method, path in ROUTES
    if method == "POST" and not path.startswith("/api/") and ("GET", path) not in ROUTES
)
CODES = {error.code for error in declared_errors() if "-" in error.code}
CODES |= {scope for scope in SCOPES if ":" in scope}
HEADINGS = {"Not Found", "Forbidden", "Method Not Allowed", "Unprocessable Content", "Conflict"}


def words_of_programs(page: PageSeen) -> set[str]:
    found = {code for code in CODES if re.search(rf"(?<![\w-]){code}(?![\w-])", page.text)}
    return found | {phrase for phrase in HEADINGS if phrase in page.text}


def path_of(world: Installation, tenant: Tenant, path: str, route: Route) -> str:
    """With what the tenant has of this kind."""
    return re.sub(r"\{\w+\}", world.named(tenant, route), path) + route.query


@pytest.fixture(scope="module")
def operator(tenants: Installation) -> dict[str, str]:
    return {**HTML, "Cookie": f"{SESSION}={tenants.operator.sign_in()[0]}"}


@pytest.fixture(scope="module")
def musician(tenants: Installation) -> dict[str, str]:
    return {**HTML, "Cookie": f"{SESSION}={tenants.one.sign_in()[0]}"}


@pytest.fixture
def nobody(visitor: TestClient, tenants: Installation) -> TestClient:
    tenants.forget_limits()
    visitor.cookies.clear()
    return visitor


def seen(client: TestClient, path: str, headers: dict[str, str]) -> PageSeen | None:
    """None for what is no page: a redirect, a picture, a file."""
    answer = client.get(path, headers=headers)
    assert answer.status_code in (200, 303), (path, answer.status_code)
    is_page = answer.headers.get("content-type", "").startswith("text/html")
    return PageSeen(answer.text) if is_page and answer.status_code == 200 else None


@pytest.mark.parametrize(("path", "route"), PAGES, ids=[path for path, _ in PAGES])
def test_a_page_says_what_it_is_where_it_belongs_and_nothing_for_programs(
    tenants: Installation,
    nobody: TestClient,
    operator: dict[str, str],
    path: str,
    route: Route,
) -> None:
    address = path_of(tenants, tenants.operator, path, route)
    for headers in (operator, HTML):
        page = seen(nobody, address, headers)
        if page is None:
            continue
        assert re.fullmatch(r".+ · NoCulture", page.title)
        assert [tag for tag, _ in page.headings].count("h1") == 1
        # Keys of one name have a question each, in dialogs.
        said = [text for _, text in page.headings if not text.startswith("Revoke “")]
        assert len(said) == len(set(said)), said
        assert "NoCulture" not in said
        assert words_of_programs(page) == set()
        assert page.has_navigation == (headers is operator)
        if headers is operator and not route.open:
            assert len(page.marked) == 1, page.marked


def test_each_section_marks_its_own_entry(
    tenants: Installation, nobody: TestClient, operator: dict[str, str]
) -> None:
    """Also below it: the mark was lost inside /sagas."""
    for path, route in PAGES:
        page = seen(nobody, path_of(tenants, tenants.operator, path, route), operator)
        if page is None or not page.marked:
            continue
        first = path.split("/")[1]
        expected = {"assets": "/vault", "sagas": "/system", "erasures": "/account"}
        entry = path if path == "/account/security" else expected.get(first, f"/{first}")
        assert page.marked == [entry], path
        [link] = [each for each in page.elements if each.attributes.get("aria-current") == "page"]
        [main] = [each for each in page.elements if each.tag == "main"]
        # The script marks by this what the template has marked.
        assert link.attributes["data-page"] == main.attributes["data-place"], path


@pytest.mark.parametrize(("path", "route"), OF_THINGS, ids=[path for path, _ in OF_THINGS])
def test_what_is_not_there_is_said_in_plain_words_and_leads_on(
    tenants: Installation, nobody: TestClient, musician: dict[str, str], path: str, route: Route
) -> None:
    absent = re.sub(r"\{\w+\}", tenants.absent(route), path)
    answer = nobody.get(absent, headers=musician)
    page = PageSeen(answer.text)
    assert answer.status_code in (403, 404), answer.status_code
    assert words_of_programs(page) == set()
    assert page.has_navigation
    assert str(answer.status_code) not in page.text
    leads = [e for e in page.elements if e.attributes.get("class") == "button primary"]
    assert len(leads) == 1
    assert nobody.get(leads[0].attributes["href"] or "", headers=musician).status_code == 200


def test_the_navigation_stays_where_nothing_is(
    nobody: TestClient, musician: dict[str, str]
) -> None:
    page = PageSeen(nobody.get("/nope", headers=musician).text)
    assert page.has_navigation
    assert page.marked == []
    assert not PageSeen(nobody.get("/nope", headers=HTML).text).has_navigation


@pytest.mark.parametrize("path", FORMS)
def test_an_address_of_a_form_and_a_form_of_another_session_are_refused_in_plain_words(
    tenants: Installation, nobody: TestClient, operator: dict[str, str], path: str
) -> None:
    route = ROUTES["POST", path]
    address = path_of(tenants, tenants.operator, path, route)
    came_from = {"Referer": "http://testserver/account"}
    answers = [nobody.get(address, headers=operator)]
    if not route.open:
        answers.append(nobody.post(address, data={}, headers={**operator, **came_from}))
    for answer in answers:
        assert answer.status_code in (403, 404, 405, 422), answer.status_code
        page = PageSeen(answer.text)
        assert words_of_programs(page) == set()
        assert page.has_navigation
        assert page.title.startswith(page.headings[0][1])
    if len(answers) == 2 and answers[1].status_code == 403:
        assert 'href="/account"' in answers[1].text


def test_a_limit_that_is_reached_says_how_long_to_wait_and_keeps_the_navigation(
    tenants: Installation, nobody: TestClient, musician: dict[str, str]
) -> None:
    nobody.get("/collections", headers=musician)
    tenants.owner.execute("UPDATE rate_limits SET full_at = now() + interval '1 hour'")
    answer = nobody.get("/collections", headers=musician)
    tenants.forget_limits()
    page = PageSeen(answer.text)
    assert answer.status_code == 429
    assert re.search(r"Wait (a second|\d+ seconds), then try again", page.text)
    assert page.has_navigation


def test_programs_still_get_problem_documents(nobody: TestClient) -> None:
    answer = nobody.get("/nope")
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["code"], answer.json()["title"]) == ("not-found", "Not Found")
    assert "retry_after_s" not in answer.json()
