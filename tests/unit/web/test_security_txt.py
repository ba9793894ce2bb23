"""`/.well-known/security.txt` as RFC 9116 wants it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from pydantic import ValidationError
from starlette.testclient import TestClient

from runtime.settings import Settings
from web import security_txt


def asked(contact: str):
    app = FastAPI()
    app.include_router(security_txt.router(contact))
    return TestClient(app).get(security_txt.PATH)


def test_it_names_the_contact_and_until_when_it_holds():
    answer = asked("mailto:holes@example.org")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    lines = dict(line.split(": ", 1) for line in answer.text.splitlines())
    assert lines["Contact"] == "mailto:holes@example.org"
    expires = datetime.fromisoformat(lines["Expires"])
    assert timedelta(days=30) < expires - datetime.now(UTC) < timedelta(days=365)


def test_without_a_contact_there_is_no_such_file():
    assert asked("").status_code == 404


@pytest.mark.parametrize(
    "contact", ["somebody", "mailto:a b", "http://plain", "https://x\nEvil: y"]
)
def test_what_is_no_address_is_refused_as_a_setting(contact):
    with pytest.raises(ValidationError):
        Settings(security_contact=contact)
