"""Foreign names, schemes and proxies: what a header says of us decides nothing."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.testclient import TestClient

from kit.policies import Policy
from kit.target import WholeTargets
from tests.conftest import Database
from tests.integration.http.app import Installation, open_installation, sign_up

PUBLIC = "https://studio.example"


def test_a_page_that_rebinds_its_name_to_this_machine_reads_nothing(
    installation: Installation,
) -> None:
    stranger = installation.browser("http://rebound.example")
    for path in ("/", "/sign-in", "/api/keys", "/api/events/stream", "/openapi.json", "/metrics"):
        answer = stranger.get(path, follow_redirects=False)
        assert (answer.status_code, answer.json()["code"]) == (421, "wrong-host")
        assert "rebound" not in answer.text
        assert "set-cookie" not in answer.headers
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    refused = sign_up(stranger, "eve@example.com")
    assert refused.status_code == 421
    assert installation.types() == []


def test_the_cookie_follows_the_public_address_and_not_a_header(
    database: Database, tmp_path: Path
) -> None:
    with open_installation(database, tmp_path, public_url=PUBLIC) as installation:
        # As a proxy speaks to us: plain, whatever it says of the scheme.
        proxied = installation.browser("http://studio.example")
        answer = sign_up(proxied, "ada@example.com", **{"X-Forwarded-Proto": "http"})
        cookie = answer.headers["set-cookie"].lower()
        assert cookie.startswith("__host-noculture_session=")
        assert "secure" in cookie
        assert "path=/;" in cookie + ";"
        assert "domain=" not in cookie
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
        # What an earlier, plain cookie says counts no more.
        plain = installation.browser("http://studio.example")
        plain.cookies.set("noculture_session", cookie.partition("=")[2].partition(";")[0])
        assert plain.get("/api/keys").status_code == 401


def test_over_plain_http_no_header_makes_the_cookie_secure(installation: Installation) -> None:
    said = {"X-Forwarded-Proto": "https", "Forwarded": "proto=https"}
    answer = sign_up(installation.browser(), "ada@example.com", **said)
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("noculture_session=")
    assert "secure" not in cookie
    assert "strict-transport-security" not in answer.headers


def test_over_https_only_our_pages_over_https_may_change_things(
    database: Database, tmp_path: Path
) -> None:
    with open_installation(database, tmp_path, public_url=PUBLIC) as installation:

        def from_page(origin: str) -> int:
            client = installation.browser("http://studio.example")
            body = {"email": "a@example.com", "password": "wrong"}
            return client.post("/api/sessions", json=body, headers={"Origin": origin}).status_code

        assert from_page("https://studio.example") == 401
        assert from_page("http://studio.example") == 403
        assert from_page("https://studio.example:8443") == 403


def test_strangers_are_told_apart_only_as_a_trusted_proxy_does(
    database: Database, tmp_path: Path
) -> None:
    """A header that anybody may send gave each guess an address of its own."""

    def answers(installation: Installation) -> list[int]:
        client = TestClient(installation.app, client=("10.0.0.2", 1))
        body = {"email": "a@example.com", "password": "wrong"}
        return [
            client.post(
                "/api/sessions", json=body, headers={"X-Forwarded-For": f"198.51.100.{n}"}
            ).status_code
            for n in range(4)
        ]

    limit = Policy("sign-in-address", 2)
    with open_installation(database, tmp_path / "a", limit) as installation:
        assert answers(installation) == [401, 401, 429, 429]
    with open_installation(
        database, tmp_path / "b", limit, trusted_proxies="10.0.0.0/8"
    ) as installation:
        assert answers(installation) == [401, 401, 401, 401]


def test_links_in_mails_lead_to_the_public_address_whoever_asked(
    database: Database, tmp_path: Path
) -> None:
    from runtime.mailing import mail_effects

    with open_installation(database, tmp_path, public_url=PUBLIC) as installation:
        client = installation.browser("http://studio.example")
        sign_up(client, "ada@example.com")
        forged = {"Host": "evil.example"}
        asked = client.post(
            "/api/password-resets", json={"email": "ada@example.com"}, headers=forged
        )
        assert asked.status_code == 421
        assert "account.password_reset_requested" not in installation.types()
        core = installation.core
        assert all(effect._web_url() == PUBLIC for effect in mail_effects(core))


@contextmanager
def served(database: Database, folder: Path, **given: object) -> Iterator[tuple[str, int]]:
    with open_installation(database, folder, **given) as installation, socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        config = uvicorn.Config(
            installation.app, http=WholeTargets, log_level="error", proxy_headers=False
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield listening.getsockname()[:2]
        finally:
            server.should_exit = True
            thread.join()


def _status(address: tuple[str, int], *lines: str) -> int:
    with socket.create_connection(address, timeout=20) as connection:
        connection.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1"))
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return int(answer.split(b" ", 2)[1])


def test_odd_hosts_on_a_real_socket(database: Database, tmp_path: Path) -> None:
    with served(database, tmp_path) as address:
        own = f"127.0.0.1:{address[1]}"
        get = "GET /sign-in HTTP/1.1"
        assert _status(address, get, f"Host: {own}") == 200
        assert _status(address, get, f"HOST: LOCALHOST:{address[1]}") == 200
        assert _status(address, f"GET http://{own}/sign-in HTTP/1.1", f"Host: {own}") == 200
        assert _status(address, "GET /healthz HTTP/1.0") == 200
        for lines in (
            [get],
            ["GET /sign-in HTTP/1.0"],
            [get, "Host:"],
            [get, "Host: evil.example"],
            [get, f"Host: {own}", "Host: evil.example"],
            [get, f"Host: {own}", f"Host: {own}"],
            [get, f"Host: ada@{own}"],
            [get, f"Host: localhost.:{address[1]}"],
            [get, "Host: 127.0.0.1"],
            ["GET http://evil.example/sign-in HTTP/1.1", f"Host: {own}"],
            [f"GET http://ada@{own}/sign-in HTTP/1.1", f"Host: {own}"],
            [f"GET http://{own}/sign-in HTTP/1.1", "Host: evil.example"],
        ):
            # Some of it the server itself does not take.
            assert _status(address, *lines) in (421, 400), lines
