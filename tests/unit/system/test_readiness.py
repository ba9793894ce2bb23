"""An alarm is told beside a 200: whoever raises one cannot take the installation out of service."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from read_api.system import system_http
from read_api.system.system import Check


def answer(check: Check, alarm: Check) -> tuple[int, Any]:
    app, nothing = FastAPI(), lambda *_: lambda: None
    unused: Any = None
    app.include_router(
        system_http.router(nothing, unused, unused, {"relay": check}, {"records": alarm})
    )
    answered = TestClient(app).get("/readyz")
    return answered.status_code, answered.json()


@pytest.mark.parametrize(
    ("wrong", "alarm", "wanted"),
    [
        (None, None, (200, {"ready": True, "reasons": {}})),
        (None, "2", (200, {"ready": True, "reasons": {}, "alarms": {"records": "2"}})),
        ("ahead", "2", (503, {"ready": False, "reasons": {"relay": "ahead"}})),
    ],
)
def test_alarms_leave_it_ready(wrong: str | None, alarm: str | None, wanted: tuple[int, Any]):
    assert answer(lambda: wrong, lambda: alarm) == wanted
