"""What a body may cost before anybody has read it."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any

import pytest
from fastapi import FastAPI, Form
from starlette.testclient import TestClient

from commands.account.accounts import RegisterAccount
from commands.vault.tag_changes import TagChanges
from kit.body import MAX_FIELDS, MAX_VALUES
from kit.install import install_kit
from kit.problems import MAX_FIELD_PROBLEMS
from kit.site import Site

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
PARTS = "multipart/form-data; boundary=b"
PART = b'--b\r\nContent-Disposition: form-data; name="x"'
AT_ONCE_S = 0.2


@pytest.fixture(scope="module")
def client() -> TestClient:
    app = FastAPI()

    @app.post("/account")
    async def account(command: RegisterAccount) -> str:
        return command.name

    @app.post("/tags")
    async def tags(command: TagChanges) -> str:
        return "read"

    @app.post("/form")
    async def form(x: Annotated[str, Form()] = "") -> str:
        return x

    install_kit(app, Site(allowed_hosts="testserver"), ())
    return TestClient(app, raise_server_exceptions=False)


MANY = {
    "25,000 unknown fields": ("/account", JSON, json.dumps({f"f{n}": 1 for n in range(18_000)})),
    "120,000 wrong values": ("/tags", JSON, '{"genres": [' + "1," * 120_000 + "1]}"),
    "80,000 wrong things": ("/tags", JSON, '{"artists": [' + "{}," * 80_000 + "{}]}"),
    "62,000 fields": ("/form", FORM, "a=b&" * 62_000),
    "990 fields": ("/form", FORM, "a=b&" * 990),
    "empty fields": ("/form", FORM, "&" * 250_000),
    "2,000 parts": ("/form", PARTS, (PART + b"\r\n\r\n\r\n") * 2_000),
    "semicolons in 60 parts": ("/form", PARTS, (PART + b";" * 3_500 + b"\r\n\r\n\r\n") * 60),
}


@pytest.mark.parametrize("what", MANY)
def test_many_fields_stopped_all_requests_and_answered_megabytes(client: TestClient, what: str):
    path, kind, body = MANY[what]
    began = time.perf_counter()
    answer = client.post(path, content=body, headers={"Content-Type": kind})
    assert time.perf_counter() - began < AT_ONCE_S
    assert (answer.status_code, answer.json()["code"]) == (413, "too-many-fields")


@pytest.mark.parametrize("kind", [JSON, PARTS, FORM])
def test_a_content_type_full_of_semicolons_stopped_all_requests(client: TestClient, kind: str):
    began = time.perf_counter()
    answer = client.post("/form", content=b"{}", headers={"Content-Type": kind + ";" * 30_000})
    assert time.perf_counter() - began < AT_ONCE_S
    assert (answer.status_code, answer.json()["code"]) == (415, "content-type-too-long")


def test_of_many_wrong_values_the_first_are_named(client: TestClient):
    answer = client.post("/tags", json={"genres": [1] * (MAX_VALUES - 10)})
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == MAX_FIELD_PROBLEMS
    assert answer.json()["errors"][0]["pointer"] == "/genres/0"


@pytest.mark.parametrize(
    "body",
    ["[" * 200_000, '{"a":' * 40_000, '{"a": ' + "9" * 5_000 + "}", '{"a": NaN}', '{"a": 1e400}'],
    ids=["deep", "deep object", "5,000 digits", "NaN", "1e400"],
)
def test_json_that_no_parser_likes_is_refused(client: TestClient, body: str):
    answer = client.post("/account", content=body, headers={"Content-Type": JSON})
    assert answer.status_code in (400, 422)


def test_as_many_fields_as_are_allowed_are_read(client: TestClient):
    fields: dict[str, Any] = {f"f{n}": "1" for n in range(MAX_FIELDS - 1)} | {"x": "read"}
    assert client.post("/form", data=fields).json() == "read"
    parts = {name: (None, value) for name, value in fields.items()}
    assert client.post("/form", files=parts).json() == "read"
