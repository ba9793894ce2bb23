"""Which names are ours, and whom a request behind proxies is from."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI, Request
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from kit.door import Door
from kit.limits import client_address
from kit.site import Site, authority, check_public_url, networks
from kit.target import WholeTargets
from runtime.settings import load_settings

LOCAL = Site()
PUBLIC = Site(
    public_url="https://Music.example/", host="0.0.0.0", allowed_hosts="studio, [fd00::7]:81"
)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8420",
        "localhost:8420",
        "LocalHost:8420",
        "[::1]:8420",
        "[0:0:0:0:0:0:0:1]:8420",
        "[::FFFF:127.0.0.1]:8420",
        "127.9.9.9:8420",
    ],
)
def test_on_loopback_its_names_with_our_port_are_ours(host: str) -> None:
    assert LOCAL.serves(host, 8420)


@pytest.mark.parametrize(
    "host",
    [
        *("", "localhost", "localhost:80", "localhost:8421", "localhost:", "127.0.0.1"),
        *("localhost.:8420", "localhost:8420.", "evil.example", "evil.example:8420"),
        *("localhost.evil.example:8420", "ada@localhost:8420", "localhost:8420@evil.example"),
        *("2130706433:8420", "0x7f.1:8420", "127.1:8420", "0.0.0.0:8420", "10.0.0.1:8420"),
        *("[::]:8420", "[::1]", "::1:8420", "[::1:8420", "[::1%25lo]:8420", "[evil]:8420"),
        *("localhost:08420 ", " localhost:8420", "localhost:8420,evil", "localhost:8420/x"),
        *("localhost:99999", "localhost:+8420", "localhost:８４２０", "ｌocalhost:8420", "x\x00:1"),
    ],
)
def test_no_other_spelling_is(host: str) -> None:
    assert not LOCAL.serves(host, 8420)


def test_the_public_name_counts_with_its_own_port_only() -> None:
    for host in ("music.example", "MUSIC.example:443"):
        assert PUBLIC.serves(host, 8420)
    for host in ("music.example:80", "music.example:8420", "music.example.", "www.music.example"):
        assert not PUBLIC.serves(host, 8420)


def test_allowed_names_count_for_every_port_unless_one_is_said() -> None:
    for host in ("studio", "studio:1234", "[fd00::7]:81", "[FD00:0::7]:81"):
        assert PUBLIC.serves(host, 8420)
    for host in ("studio.example", "[fd00::7]", "[fd00::7]:82", "fd00::7"):
        assert not PUBLIC.serves(host, 8420)


def test_the_address_that_is_listened_on_is_ours_and_loopback_is_not_elsewhere() -> None:
    lan = Site(host="192.168.1.5")
    assert lan.serves("192.168.1.5:8420", 8420)
    assert not lan.serves("127.0.0.1:8420", 8420)
    # Who listens everywhere listens on loopback too.
    assert Site(host="0.0.0.0").serves("localhost:8420", 8420)
    assert not Site(host="0.0.0.0").serves("192.168.1.5:8420", 8420)


@given(st.text(max_size=40))
def test_whatever_is_sent_as_host_is_answered_and_only_ours_is_ours(said: str) -> None:
    if LOCAL.serves(said, 8420):
        named = authority(said)
        assert named is not None
        assert named[1] == 8420


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.0.0.2", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.2", ["1.1.1.1, 198.51.100.1, 10.0.0.3"], "198.51.100.1"),
        ("10.0.0.2", ["1.1.1.1", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.2", ["127.0.0.1, 198.51.100.1:4711"], "198.51.100.1"),
        ("10.0.0.2", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("10.0.0.2", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("::ffff:10.0.0.2", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.2", ["10.0.0.4, 10.0.0.3"], "10.0.0.4"),
        ("10.0.0.2", ["198.51.100.1, nonsense"], "10.0.0.2"),
        ("10.0.0.2", ["198.51.100.1, nonsense, 10.0.0.3"], "10.0.0.3"),
        ("10.0.0.2", [""], "10.0.0.2"),
        ("10.0.0.2", [], "10.0.0.2"),
    ],
)
def test_the_right_most_address_that_is_no_proxy_of_ours_counts(
    peer: str, forwarded: list[str], client: str
) -> None:
    assert Site(trusted_proxies="10.0.0.0/8").client(peer, forwarded) == client


def test_without_trusted_proxies_nobody_speaks_for_others() -> None:
    assert LOCAL.client("127.0.0.1", ["198.51.100.1"]) == "127.0.0.1"


def test_ipv4_callers_of_a_socket_for_both_are_counted_each_for_themselves() -> None:
    """A /64 held all of them: one who guessed made everybody wait."""

    def counted(peer: str) -> str:
        return client_address(Request({"type": "http", "client": (peer, 1), "headers": []}))

    assert counted("::ffff:198.51.100.1") == counted("198.51.100.1") == "198.51.100.1"
    assert counted("::ffff:198.51.100.2") != counted("198.51.100.1")
    assert counted("2001:db8::1") == counted("2001:db8::2")
    assert counted("::1") == "::1"


def test_beyond_loopback_is_what_others_can_reach() -> None:
    near = [Site(), Site(host="::1"), Site(public_url="http://localhost:9"), Site(host="localhost")]
    far = [
        Site(host="0.0.0.0"),
        Site(host="192.168.1.5"),
        PUBLIC,
        Site(public_url="https://a.example"),
    ]
    assert [site.is_beyond_loopback for site in near] == [False] * 4
    assert [site.is_beyond_loopback for site in far] == [True] * 4


@pytest.mark.parametrize("setting", ["trusted_proxies", "allowed_hosts", "public_url"])
@pytest.mark.parametrize("value", ["http://", "ada@studio", "10.0.0.0/99", "a b", "ftp://studio"])
def test_a_setting_that_is_no_address_is_refused_at_the_start(setting: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"host|address|network|site"):
        load_settings("/nowhere", **{setting: value})


def test_lists_of_settings_may_be_empty_or_spaced() -> None:
    assert networks(" 10.0.0.1 ,, ::1/128, ") == networks("10.0.0.1,::1")
    check_public_url("https://music.example:8443/a")


def _behind_the_door(site: Site) -> TestClient:
    app = FastAPI()

    @app.get("/{anything:path}")
    def told(request: Request) -> dict[str, Any]:
        return {"client": client_address(request), "scheme": request.url.scheme}

    app.add_middleware(Door, site=site)
    return TestClient(app, base_url="http://localhost", client=("10.0.0.2", 1))


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_a_probe_may_call_us_by_an_address_but_not_by_a_foreign_name(path: str) -> None:
    probe = _behind_the_door(Site())
    for host in ("10.1.2.3", "10.1.2.3:8420", "[fd00::1]:8420"):
        assert probe.get(path, headers={"Host": host}).status_code == 200
        assert probe.get("/vault", headers={"Host": host}).status_code == 421
    assert probe.get(path, headers={"Host": "rebound.example"}).status_code == 421


def test_a_request_says_neither_its_scheme_nor_its_address_unless_a_trusted_proxy_does() -> None:
    said = {
        "X-Forwarded-For": "198.51.100.1",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil.example",
        "Forwarded": "for=198.51.100.2;proto=https;host=evil.example",
    }
    nobody = _behind_the_door(Site()).get("/", headers=said).json()
    assert nobody == {"client": "10.0.0.2", "scheme": "http"}
    site = Site(
        public_url="https://localhost", trusted_proxies="10.0.0.2", allowed_hosts="localhost"
    )
    trusted = _behind_the_door(site).get("/", headers=said | {"X-Forwarded-Proto": "http"}).json()
    assert trusted == {"client": "198.51.100.1", "scheme": "https"}


@pytest.mark.parametrize("hosts", [[], ["localhost", "localhost"], ["localhost", "evil.example"]])
def test_none_or_two_hosts_are_none_of_ours(hosts: list[str]) -> None:
    answered = []

    async def send(message: Any) -> None:
        answered.append(message)

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("nothing behind the door may hear of it")

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "server": ("127.0.0.1", 80),
        "headers": [(b"host", host.encode()) for host in hosts],
    }
    asyncio.run(Door(inner, LOCAL)(scope, None, send))  # type: ignore[arg-type]
    assert answered[0]["status"] == 421


@pytest.mark.parametrize(
    ("target", "hosts"),
    [
        (b"/vault?next=http://evil.example/", [b"us"]),
        (b"http://us/vault", [b"us"]),
        (b"http://evil.example/vault", [b"us", b"evil.example"]),
        (b"http://ada@us/vault", [b"us", b"ada@us"]),
        (b"http://us?/vault", [b"us"]),
    ],
)
def test_the_host_of_a_whole_target_is_not_lost(
    monkeypatch: pytest.MonkeyPatch, target: bytes, hosts: list[bytes]
) -> None:
    monkeypatch.setattr(WholeTargets.__base__, "on_headers_complete", lambda self: None)
    reading = object.__new__(WholeTargets)
    reading.url, reading.headers = target, [(b"host", b"us")]
    reading.on_headers_complete()
    assert [value for name, value in reading.headers if name == b"host"] == hosts
