"""GET /api/events/stream over a real server: what is seen, from where on, and for how long."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx2
import pytest
import uvicorn

from commands.account.sessions import SessionId
from kit.caller import Caller
from kit.tokens import random_token, token_hash
from read_api.system import events_http, live
from tests.integration.account.erasure.house import eventually
from tests.integration.library import Library

DEADLINE_S = 20.0


@pytest.fixture(scope="module")
def server(library: Library) -> Iterator[str]:
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(library.app, log_level="warning", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    library.feed.close()
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def client(server: str) -> Iterator[httpx2.Client]:
    limits = httpx2.Limits(max_connections=200)
    with httpx2.Client(base_url=server, timeout=DEADLINE_S, limits=limits) as client:
        yield client


class Stream:
    """An open event stream, read block by block."""

    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self._lines = response.iter_lines()

    def block(self) -> dict[str, str]:
        """The next block's fields; a comment is under ''. An ended stream gives {}."""
        fields: dict[str, str] = {}
        for line in self._lines:
            if not line and fields:
                return fields
            name, _, value = line.partition(": ")
            fields[name] = value
        return fields

    def events(self, count: int) -> list[dict]:
        """The next events; comments and retry hints are passed over."""
        found = []
        while len(found) < count:
            block = self.block()
            assert block, f"the stream ended after {len(found)} of {count}"
            if "data" in block:
                found.append(block | {"data": json.loads(block["data"])})
        return found


def opened(stack: ExitStack, client: httpx2.Client, headers: dict[str, str], query="") -> Stream:
    request = client.stream("GET", f"/api/events/stream{query}", headers=headers)
    return Stream(stack.enter_context(request))


def test_every_event_comes_with_its_position_type_and_envelope(
    library: Library, client: httpx2.Client
):
    caller = library.caller()
    key = library.key(caller)
    with ExitStack() as stack:
        stream = opened(stack, client, key, "?after=0")
        assert stream.response.headers["content-type"].startswith("text/event-stream")
        assert stream.response.headers["cache-control"] == "no-store"
        assert "retry" in stream.block()
        before = stream.events(3)
        asset_id = library.upload(caller)
        event = stream.events(1)[0]
    assert [each["event"] for each in before] == [
        "account.registered",
        "workspace.created",
        "key.issued",
    ]
    stored = library.commands.log.events.stream(asset_id)[0]
    assert event["data"] == library.shown(stored)
    assert (event["id"], event["event"]) == (str(stored.position), "asset.uploaded")


def test_a_stream_resumes_behind_the_last_event_it_names_without_gap_or_repetition(
    library: Library, client: httpx2.Client
):
    caller = library.caller()
    key = library.key(caller)
    with ExitStack() as stack:
        last = opened(stack, client, key, "?after=0").events(3)[-1]["id"]
    uploaded = [library.upload(caller) for _ in range(5)]
    # The header of a browser that reconnects wins over the address it was first opened with.
    with ExitStack() as stack:
        stream = opened(stack, client, {**key, "Last-Event-ID": last}, "?after=0")
        missed = stream.events(5)
        writing = threading.Thread(
            target=lambda: uploaded.extend(library.upload(caller) for _ in range(40))
        )
        writing.start()
        live_events = stream.events(40)
        writing.join()
    seen = missed + live_events
    assert [each["data"]["stream_id"] for each in seen] == uploaded
    positions = [int(each["id"]) for each in seen]
    assert positions == sorted(set(positions))


def test_without_a_last_event_a_stream_starts_at_the_end(
    library: Library, client: httpx2.Client, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(events_http, "HEARTBEAT_S", 0.05)
    caller = library.caller()
    key = library.key(caller)
    library.upload(caller)
    with ExitStack() as stack:
        stream = opened(stack, client, key)
        # The first comment says that it has looked: what comes now is new.
        while "" not in stream.block():
            pass
        asset_id = library.upload(caller)
        assert stream.events(1)[0]["data"]["stream_id"] == asset_id


def test_nobody_sees_the_events_of_another_workspace(library: Library, client: httpx2.Client):
    caller, stranger = library.caller(), library.caller()
    with ExitStack() as stack:
        stream = opened(stack, client, library.key(caller), "?after=0")
        stream.events(3)
        library.upload(stranger)
        own = library.upload(caller)
        library.upload(stranger)
        own_again = library.upload(caller)
        events = stream.events(2)
    assert [each["data"]["stream_id"] for each in events] == [own, own_again]


def test_a_backlog_of_many_pages_comes_whole(
    library: Library, client: httpx2.Client, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(live, "PAGE", 4)
    caller = library.caller()
    uploaded = [library.upload(caller) for _ in range(17)]
    with ExitStack() as stack:
        events = opened(stack, client, library.key(caller), "?after=0").events(2 + 17 + 1)
    ids = [each["data"]["stream_id"] for each in events if each["event"] == "asset.uploaded"]
    assert ids == uploaded


def test_a_page_is_told_where_its_stream_begins_so_that_another_tab_can_take_it_over(
    library: Library, client: httpx2.Client
):
    caller = library.caller()
    key = library.key(caller)
    mine = f"?account={caller.account_id}"
    with ExitStack() as stack:
        begins = opened(stack, client, key, mine).events(1)[0]
    assert begins["event"] == events_http.BEGINNING
    # Nobody listens while this happens.
    uploaded = library.upload(caller)
    with ExitStack() as stack:
        stream = opened(stack, client, key, f"{mine}&after={begins['id']}")
        again, missed = stream.events(2)
    assert again["id"] == begins["id"]
    assert missed["data"]["stream_id"] == uploaded


def test_a_page_of_one_account_gets_no_stream_of_another(library: Library, client: httpx2.Client):
    """The browser reconnects by itself, with the cookie of whoever has signed in meanwhile."""
    one, other = library.caller(), library.caller()
    address = f"/api/events/stream?account={one.account_id}"
    refused = client.get(address, headers=library.key(other))
    assert (refused.status_code, refused.json()["code"]) == (403, "another-account")


def test_a_stream_ends_when_its_key_is_revoked(
    library: Library, client: httpx2.Client, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(events_http, "HEARTBEAT_S", 0.05)
    caller = library.caller()
    key = library.key(caller, "events:read")
    key_id = library.keys.of(caller)[0].id
    with ExitStack() as stack:
        stream = opened(stack, client, key)
        library.keys.revoke(caller, key_id)
        while stream.block():
            pass


ENDINGS = {
    "signed out": "DELETE FROM credentials_sessions WHERE session_id = %(session)s",
    "unused for too long": "UPDATE credentials_sessions SET expires_at = now()"
    " WHERE session_id = %(session)s",
    "used for too long": "UPDATE credentials_sessions SET created_at = now() - interval '31 days'"
    " WHERE session_id = %(session)s",
    "erased": "DELETE FROM credentials_logins WHERE account_id = %(account)s",
}


@pytest.mark.parametrize("how", ENDINGS)
def test_a_stream_ends_within_a_second_of_its_session(
    library: Library, client: httpx2.Client, how: str
):
    """A browser that was signed out heard on for up to 15 seconds."""
    caller = library.caller()
    session, headers = _session(library, caller)
    with ExitStack() as stack:
        stream = opened(stack, client, headers)
        assert "retry" in stream.block()
        with library.pool.connection() as connection:
            ended = {"session": session, "account": caller.account_id}
            assert connection.execute(ENDINGS[how], ended).rowcount == 1
        began = time.monotonic()
        while stream.block():
            pass
        assert time.monotonic() - began < 2 * live.LOOK_S + 1
    assert client.get("/api/events/stream", headers=headers).status_code == 401


def test_a_stream_lives_through_the_exchange_of_its_token_and_the_end_of_others(
    library: Library, client: httpx2.Client, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(live, "LOOK_S", 0.05)
    caller = library.caller()
    session, headers = _session(library, caller)
    other, _ = _session(library, caller)
    with ExitStack() as stack:
        stream = opened(stack, client, headers, "?after=0")
        stream.events(2)
        with library.pool.connection() as connection:
            connection.execute(
                "UPDATE credentials_sessions SET token_hash = 'exchanged' WHERE session_id = %s",
                (session,),
            )
            connection.execute("DELETE FROM credentials_sessions WHERE session_id = %s", (other,))
        looks = _looks(library, monkeypatch)
        eventually(lambda: len(looks) > 3)
        asset_id = library.upload(caller)
        assert stream.events(1)[0]["data"]["stream_id"] == asset_id


def test_many_streams_are_asked_for_in_one_query(
    library: Library, client: httpx2.Client, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(live, "LOOK_S", 0.1)
    with ExitStack() as stack:
        keys = [library.key(library.caller()) for _ in range(30)]
        streams = [opened(stack, client, key, "?after=0") for key in keys]
        for stream in streams:
            stream.events(1)
        looks = _looks(library, monkeypatch)
        began = time.monotonic()
        # Of all streams at once; one of a test before may not have been let go yet.
        eventually(lambda: len(looks) >= 3 and len(looks[-1]) >= 30)
        assert len(looks) <= (time.monotonic() - began) / 0.1 + 2


def _session(library: Library, caller: Caller) -> tuple[str, dict[str, str]]:
    """(its id, the headers of its browser)"""
    token, session = random_token(), SessionId.new()
    with library.pool.connection() as connection:
        connection.execute(
            "INSERT INTO credentials_sessions (session_id, token_hash, account_id, expires_at)"
            " VALUES (%s, %s, %s, now() + interval '1 day')",
            (session, token_hash(token), caller.account_id),
        )
    return session, {"Cookie": f"noculture_session={token}"}


def _looks(library: Library, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What the feed asks for from now on."""
    looks: list[list[str]] = []
    asked = library.feed._living

    def noted(holders: list[str]) -> frozenset[str]:
        looks.append(holders)
        return asked(holders)

    monkeypatch.setattr(library.feed, "_living", noted)
    return looks


def test_a_stream_ends_after_its_time_and_the_reader_comes_again(
    library: Library, client: httpx2.Client, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(events_http, "HEARTBEAT_S", 0.05)
    monkeypatch.setattr(events_http, "LIFE_S", 0.2)
    with ExitStack() as stack:
        stream = opened(stack, client, library.key(library.caller()))
        while stream.block():
            pass


def test_idle_streams_hold_no_database_connection(library: Library, client: httpx2.Client):
    caller = library.caller()
    key = library.key(caller)
    with ExitStack() as stack:
        # Three times the pool's connections.
        streams = [opened(stack, client, key, "?after=0") for _ in range(36)]
        for stream in streams:
            stream.events(3)
        assert client.get("/api/assets", headers=key).status_code == 200
        asset_id = library.upload(caller)
        for stream in streams:
            assert stream.events(1)[0]["data"]["stream_id"] == asset_id


def test_a_workspace_has_a_limit_of_streams(
    library: Library, client: httpx2.Client, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(live, "MAX_STREAMS_PER_WORKSPACE", 1)
    key = library.key(library.caller())
    with ExitStack() as stack:
        first = opened(stack, client, key, "?after=0")
        first.events(1)
        refused = client.get("/api/events/stream", headers=key)
        assert (refused.status_code, refused.json()["code"]) == (429, "too-many-streams")
        other = library.key(library.caller())
        assert opened(stack, client, other, "?after=0").events(1)
