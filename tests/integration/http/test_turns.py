"""Costly requests of one network hold up nobody else: not in line, and not for a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace

import anyio.to_thread
import httpx2
import pytest
from starlette.requests import Request
from starlette.testclient import TestClient

from read_api.vault.assets import AssetQueries
from schemas.vault.found import AssetPage
from tests.integration.http.app import PASSWORD, Installation
from web.visitor import WAITING_OF_ACCOUNT, catch_up

PATIENCE_S = 15.0
THREADS = 4
CROWD, OTHER = "203.0.113.9", "198.51.100.7"


class Hashing:
    """In the place of argon2: holds every hash until `release`, and knows their order."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.release = threading.Event()

    def hash(self, password: str) -> str:
        self.order.append(password)
        assert self.release.wait(PATIENCE_S)
        return f"hash of {password}"

    def verify(self, password: str, stored: str) -> bool:
        return self.hash(password) == stored


@pytest.fixture
def hashing(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Hashing:
    standing = Hashing()
    monkeypatch.setattr(installation.accounts._passwords, "_argon2", standing)
    return standing


@asynccontextmanager
async def browser(installation: Installation, address: str) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=installation.app, client=(address, 50_000))
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield client


def sign_up(client: httpx2.AsyncClient, number: int) -> Awaitable[httpx2.Response]:
    body = {"email": f"a{number}@example.com", "password": f"{PASSWORD} {number}", "name": "A"}
    return client.post("/api/accounts", json=body)


def sign_in(client: httpx2.AsyncClient, email: str) -> Awaitable[httpx2.Response]:
    return client.post("/api/sessions", json={"email": email, "password": PASSWORD})


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        for _ in iter(condition, True):
            await asyncio.sleep(0.001)


def test_sign_ups_of_one_network_leave_threads_and_turns_for_others(
    installation: Installation, musician: TestClient, hashing: Hashing
) -> None:
    line = installation.accounts._passwords._queue.line

    async def run() -> None:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        async with browser(installation, CROWD) as crowd, browser(installation, OTHER) as other:
            flood = [asyncio.ensure_future(sign_up(crowd, n)) for n in range(24)]
            await eventually(lambda: len(hashing.order) == 2 and line.waiting == 22)
            # Four threads, 24 who wait: what costs nothing is answered at once.
            async with asyncio.timeout(PATIENCE_S):
                assert (await other.get("/healthz")).status_code == 200
                other.cookies.update(musician.cookies)
                assert (await other.get("/api/keys")).status_code == 200
            other.cookies.clear()
            alone = asyncio.ensure_future(sign_in(other, musician.email))
            await eventually(lambda: line.waiting == 23)
            hashing.release.set()
            assert (await alone).status_code == 401
            assert {answer.status_code for answer in await asyncio.gather(*flood)} == {201}
            # It came last, and was the fourth: two were at work, and one of the crowd was next.
            assert hashing.order.index(PASSWORD) <= 3
            assert line.working == 0

    asyncio.run(run())


def test_more_than_a_network_may_have_in_line_is_refused_and_others_are_not(
    installation: Installation, musician: TestClient, hashing: Hashing
) -> None:
    line = installation.accounts._passwords._queue.line

    async def run() -> None:
        async with browser(installation, CROWD) as crowd, browser(installation, OTHER) as other:
            flood = [asyncio.ensure_future(sign_in(crowd, f"{n}@b.example")) for n in range(60)]
            await eventually(lambda: sum(task.done() for task in flood) == 8)
            refused = next(task for task in flood if task.done()).result()
            assert (refused.status_code, refused.json()["code"]) == (429, "too-many-at-once")
            assert refused.headers["Retry-After"] == "2"
            # Browsers of the same network that have signed in before have a line of their own.
            known = asyncio.ensure_future(
                crowd.post(
                    "/api/sessions",
                    json={"email": musician.email, "password": PASSWORD},
                    headers={"Cookie": f"noculture_device={musician.cookies['noculture_device']}"},
                )
            )
            alone = asyncio.ensure_future(sign_in(other, musician.email))
            await eventually(lambda: line.waiting == 52)
            hashing.release.set()
            assert [(await each).status_code for each in (known, alone)] == [401, 401]
            await asyncio.gather(*flood)
            assert (line.working, line.waiting) == (0, 0)

    asyncio.run(run())


def test_a_flood_of_sign_ups_does_not_hold_up_the_sign_ins_of_its_own_network(
    installation: Installation, musician: TestClient, hashing: Hashing
) -> None:
    line = installation.accounts._passwords._queue.line

    async def run() -> None:
        async with browser(installation, CROWD) as crowd:
            flood = [asyncio.ensure_future(sign_up(crowd, n)) for n in range(24)]
            await eventually(lambda: line.waiting == 22)
            beside = asyncio.ensure_future(sign_in(crowd, musician.email))
            await eventually(lambda: line.waiting == 23)
            hashing.release.set()
            assert (await beside).status_code == 401
            # Fourth in line; of two that hash at once either may be written down first.
            assert hashing.order.index(PASSWORD) <= 4
            await asyncio.gather(*flood)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/api/me/password", {"password": "another long one", "current_password": "x"}),
        ("DELETE", "/api/me", {"password": "x"}),
        ("POST", "/api/me/passkeys/options", {"password": "x"}),
        ("POST", "/api/me/second-factor", {"password": "x"}),
    ],
)
def test_owners_wait_for_their_turn_at_a_password_without_a_thread(
    installation: Installation,
    musician: TestClient,
    hashing: Hashing,
    method: str,
    path: str,
    body: dict[str, str],
) -> None:
    line = installation.accounts._passwords._queue.line

    async def run() -> None:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        async with browser(installation, CROWD) as crowd:
            crowd.cookies.update(musician.cookies)
            asked = [
                asyncio.ensure_future(crowd.request(method, path, json=body)) for _ in range(10)
            ]
            await eventually(lambda: len(hashing.order) == 2 and line.waiting == 8)
            async with asyncio.timeout(PATIENCE_S):
                assert (await crowd.get("/api/keys")).status_code == 200
            hashing.release.set()
            assert {answer.status_code for answer in await asyncio.gather(*asked)} <= {401, 429}

    asyncio.run(run())


async def at_once(*_: object, **__: object) -> None:
    """In the place of waiting for a view: there is none here."""


def test_searches_of_one_account_leave_threads_for_others(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = installation.signed_up("Ada"), installation.signed_up("Bob")
    release, begun = threading.Event(), list[str]()

    def slow(_self: AssetQueries, caller, _filters) -> AssetPage:
        begun.append(caller.account_id)
        assert release.wait(PATIENCE_S)
        return AssetPage(data=[])

    monkeypatch.setattr("kit.positions.ReadAt.__call__", at_once)
    monkeypatch.setattr(AssetQueries, "list", slow)

    async def run() -> None:
        anyio.to_thread.current_default_thread_limiter().total_tokens = 9
        async with browser(installation, CROWD) as crowd, browser(installation, OTHER) as other:
            crowd.cookies.update(ada.cookies)
            other.cookies.update(bob.cookies)
            search = "/api/assets?q=dark+trap"
            many = [asyncio.ensure_future(crowd.get(search)) for _ in range(30)]
            await eventually(lambda: len(begun) == 4)
            alone = asyncio.ensure_future(other.get(search))
            await eventually(lambda: len(begun) == 5)
            assert begun[-1] == bob.account["id"]
            async with asyncio.timeout(PATIENCE_S):
                assert (await other.get("/api/keys")).status_code == 200
            release.set()
            assert (await alone).status_code == 200
            await asyncio.gather(*many)

    asyncio.run(run())


def test_a_search_that_waits_for_a_view_takes_no_turn_at_searching(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else eight requests for a position that never comes would stop all searches."""
    ada, bob = installation.signed_up("Ada"), installation.signed_up("Bob")
    waits, released = list[str](), asyncio.Event()

    async def for_a_view(
        _self: object, request: Request, _wanted: object = None, _prefer: object = None, **_: object
    ) -> None:
        if request.headers.get("min-position"):
            waits.append(request.url.path)
            await released.wait()

    for_a_view.__annotations__["request"] = Request
    monkeypatch.setattr("kit.positions.ReadAt.__call__", for_a_view)
    monkeypatch.setattr(AssetQueries, "list", lambda *_: AssetPage(data=[]))

    async def run() -> None:
        async with browser(installation, CROWD) as crowd, browser(installation, OTHER) as other:
            crowd.cookies.update(ada.cookies)
            other.cookies.update(bob.cookies)
            search, ahead = "/api/assets?q=dark", {"Min-Position": "999999"}
            many = [asyncio.ensure_future(crowd.get(search, headers=ahead)) for _ in range(12)]
            await eventually(lambda: len(waits) == 12)
            async with asyncio.timeout(PATIENCE_S):
                assert (await other.get(search)).status_code == 200
                assert (await crowd.get(search)).status_code == 200
            released.set()
            assert {answer.status_code for answer in await asyncio.gather(*many)} == {200}

    asyncio.run(run())


def test_pages_that_wait_for_a_position_that_never_comes_leave_threads_for_others(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, waits, released = installation.signed_up("Ada"), list[str](), threading.Event()

    class Progress:
        def wait_until(self, view: str, _wanted: int, _timeout_s: float) -> None:
            waits.append(view)
            assert released.wait(PATIENCE_S)

    def page(request: Request) -> dict[str, bool]:
        request.state.caller = SimpleNamespace(account_id=ada.account["id"])
        catch_up(request, Progress(), "vault")
        return {"shown": True}

    monkeypatch.setattr(installation.app.router, "routes", list(installation.app.router.routes))
    installation.app.add_api_route("/catching-up", page, include_in_schema=False)

    async def run() -> None:
        anyio.to_thread.current_default_thread_limiter().total_tokens = WAITING_OF_ACCOUNT + 1
        async with browser(installation, CROWD) as crowd:
            ahead = {"Cookie": "noculture_position=999999999"}
            many = [
                asyncio.ensure_future(crowd.get("/catching-up", headers=ahead)) for _ in range(20)
            ]
            # All but the four that wait are shown as they are.
            await eventually(lambda: sum(task.done() for task in many) == 16)
            assert len(waits) == WAITING_OF_ACCOUNT
            released.set()
            assert {answer.status_code for answer in await asyncio.gather(*many)} == {200}

    asyncio.run(run())


def test_a_browser_that_must_wait_is_shown_a_page(
    installation: Installation, hashing: Hashing
) -> None:
    async def run() -> None:
        async with browser(installation, CROWD) as crowd:
            form = {"email": "ada@example.com", "password": PASSWORD}
            shown = {"Accept": "text/html"}
            many = [
                asyncio.ensure_future(crowd.post("/sign-in", data=form, headers=shown))
                for _ in range(53)
            ]
            await eventually(lambda: any(task.done() for task in many))
            refused = next(task for task in many if task.done()).result()
            assert refused.status_code == 429
            assert refused.headers["content-type"].startswith("text/html")
            assert "wait two seconds" in refused.text.lower()
            hashing.release.set()
            await asyncio.gather(*many)

    asyncio.run(run())
