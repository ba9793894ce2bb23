"""Every error is a problem document; every answer carries the headers that protect it."""

from __future__ import annotations

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from starlette.testclient import TestClient

from kit.install import install_kit
from kit.security_headers import csp_nonce
from kit.site import Site
from tests.integration.http.app import Installation


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/nothing", 404, "not-found"),
        ("GET", "/nothing", 404, "not-found"),
        ("PUT", "/api/keys", 405, "method-not-allowed"),
        ("GET", "/api/keys", 401, "unauthenticated"),
        ("POST", "/api/sessions", 422, "invalid-input"),
        ("GET", "/api/broken", 500, "internal-error"),
    ],
)
def test_every_error_is_a_problem(
    installation: Installation, method: str, path: str, status: int, code: str
) -> None:
    answer = installation.browser().request(method, path)
    problem = answer.json()
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["type"] == f"/problems/{code}"
    assert problem["title"]
    assert problem["detail"]
    assert problem["request_id"] == answer.headers["X-Request-ID"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert "swordfish" not in answer.text
    assert "Traceback" not in answer.text


# What supervisors and probes ask must answer them always.
UNLIMITED = ("/healthz", "/metrics", "/readyz")


def test_405_names_the_methods_that_work(installation: Installation) -> None:
    assert installation.browser().put("/api/keys").headers["Allow"]


def test_broken_json_is_named(installation: Installation) -> None:
    answer = installation.browser().post(
        "/api/sessions", content=b'{"email": ', headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "json-invalid"


def test_a_json_body_has_a_limit_with_and_without_a_length(installation: Installation) -> None:
    client = installation.browser()
    small = client.post("/api/sessions", content=b" " * (256 * 1024))
    assert small.status_code == 422

    def unannounced():
        for _ in range(300):
            yield b" " * 1024

    for body in (b" " * (256 * 1024 + 1), unannounced()):
        answer = client.post("/api/sessions", content=body)
        assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")
        assert answer.json()["request_id"] == answer.headers["X-Request-ID"]


def test_a_lying_content_type_does_not_lift_the_limit(installation: Installation) -> None:
    headers = {"Content-Type": "application/offset+octet-stream"}
    answer = installation.browser().post("/api/sessions", content=b" " * 300_000, headers=headers)
    assert answer.status_code == 413


def test_a_database_that_is_away_is_503(own_installation: Installation) -> None:
    client = own_installation.signed_up()
    own_installation.pool.close()
    answer = client.get("/api/keys")
    assert (answer.status_code, answer.json()["code"]) == (503, "database-unavailable")
    assert answer.headers["Retry-After"] == "1"


def test_pages_get_a_nonce_of_their_own_and_browsers_get_pages_of_errors() -> None:
    app = FastAPI()

    def page(request: Request, problem: dict[str, object]) -> HTMLResponse:
        return HTMLResponse(f"<h1>{problem['code']}</h1>", int(str(problem["status"])))

    @app.get("/page")
    def a_page(request: Request) -> HTMLResponse:
        return HTMLResponse(csp_nonce(request))

    install_kit(app, Site(allowed_hosts="testserver"), (), page)
    client = TestClient(app)
    one, two = client.get("/page"), client.get("/page")
    assert one.text != two.text
    assert f"'nonce-{one.text}'" in one.headers["Content-Security-Policy"]
    assert "unsafe" not in one.headers["Content-Security-Policy"]
    missing = client.get("/nothing", headers={"Accept": "text/html"})
    assert (missing.status_code, missing.text) == (404, "<h1>not-found</h1>")
    api = client.get("/api/nothing", headers={"Accept": "text/html"})
    assert api.headers["content-type"] == "application/problem+json"


def test_every_route_says_who_it_is_and_how_it_fails(installation: Installation) -> None:
    document = installation.app.openapi()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["operationId"][0].islower(), (path, method)
            if path not in UNLIMITED and (path, method) != ("/api/uploads", "options"):
                assert "429" in operation["responses"], (path, method)
    problem = document["components"]["schemas"]["Problem"]
    assert {"type", "title", "status", "detail", "code", "request_id"} <= set(problem["required"])
