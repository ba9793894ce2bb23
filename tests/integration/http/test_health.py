"""How things are is told although work has taken everything."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import ExitStack

import anyio.to_thread
import pytest
from starlette.testclient import TestClient

from read_api.system import system_http
from tests.integration.http.app import Installation

PROMISE_S = 1.0


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_health_waited_for_connections_and_threads_that_work_had_taken(
    installation: Installation, path: str
) -> None:
    async def take_all_threads() -> None:
        limiter = anyio.to_thread.current_default_thread_limiter()
        for _ in range(int(limiter.available_tokens)):
            limiter.acquire_on_behalf_of_nowait(object())

    with ExitStack() as stack:
        client = stack.enter_context(TestClient(installation.app))
        assert client.portal is not None
        client.portal.call(take_all_threads)
        for _ in range(installation.pool.max_size):
            stack.enter_context(installation.pool.connection())
        client.get(path)  # opens the connection of who watches
        began = time.monotonic()
        answer = client.get(path)
        assert time.monotonic() - began < PROMISE_S
    if path == "/readyz":  # nothing has built the views here
        assert set(answer.json()["reasons"]) == {"consumers"}
    else:
        assert answer.status_code == 200


def test_those_who_ask_at_once_share_a_look(installation: Installation) -> None:
    async def ask(client: TestClient) -> list[int]:
        asked = [asyncio.to_thread(client.get, "/metrics") for _ in range(20)]
        return [answer.status_code for answer in await asyncio.gather(*asked)]

    with TestClient(installation.app) as client:
        assert set(asyncio.run(ask(client))) == {200}


def test_a_database_that_stands_still_left_readiness_without_an_answer(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped, and not away: nothing came within 35 seconds."""
    released = threading.Event()
    monkeypatch.setattr(system_http, "ANSWER_WITHIN_S", 0.2)
    monkeypatch.setattr(
        "read_api.system.system_http.failing", lambda _checks: released.wait(30) or {}
    )
    try:
        with TestClient(installation.app) as client:
            answer = client.get("/readyz")
    finally:
        released.set()
    assert answer.status_code == 503
    assert answer.json()["reasons"] == {"database": "no answer within 0.2 seconds"}
