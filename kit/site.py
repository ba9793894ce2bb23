"""The installation's own address: its names, its scheme, and the proxies that it trusts.

Settings alone say all of it. Nothing that a request says of itself decides it: a page elsewhere
can point its own name at this machine (DNS rebinding), anybody can send `X-Forwarded-Proto`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

from kit.networks import address_of

Networks = list[ipaddress.IPv4Network | ipaddress.IPv6Network]
# A name, an IPv4 address or a literal of IPv6, and a port. No userinfo, no dot at the end.
_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)(?::([0-9]{0,5}))?")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_ANY_ADDRESS = ("", "0.0.0.0", "::")  # noqa: S104 - compared with, not bound to


@dataclass(frozen=True)
class Site:
    """`host` is what the server listens on; lists are written with commas between."""

    public_url: str = ""
    host: str = "127.0.0.1"
    allowed_hosts: str = ""
    trusted_proxies: str = ""

    @cached_property
    def scheme(self) -> str:
        """The scheme that browsers speak to us: the public address says it, no request."""
        return "https" if self.public_url.lower().startswith("https:") else "http"

    @property
    def is_https(self) -> bool:
        return self.scheme == "https"

    @cached_property
    def public_origin(self) -> str | None:
        """The public address as browsers send it in `Origin`."""
        if not self.public_url:
            return None
        host, port = _public(self.public_url)
        return f"{self.scheme}://{host}" + ("" if port == self._default_port else f":{port}")

    @cached_property
    def is_beyond_loopback(self) -> bool:
        """Whether others than this machine's own users may reach the pages."""
        public = _public(self.public_url)[0] if self.public_url else "localhost"
        return not (_is_loopback(self.host) and _is_loopback(public))

    def serves(self, said: str, own_port: int | None) -> bool:
        """Whether a Host header names us. `own_port` is the port that the request came in on."""
        named = authority(said)
        if named is None:
            return False
        host, port = named
        if self.public_url and (host, port or self._default_port) == _public(self.public_url):
            return True
        if (host, None) in self._allowed or (host, port or self._default_port) in self._allowed:
            return True
        if (port or 80) != own_port:
            return False
        return host == _bracketed(self.host.lower()) or (
            _is_loopback(host) and (self.host in _ANY_ADDRESS or _is_loopback(self.host))
        )

    def client(self, peer: str, forwarded: Iterable[str]) -> str:
        """Finds the sender of a request: the connection's other end or, where that is a trusted
        proxy, the last address of `X-Forwarded-For` that is no such proxy. Anybody may write the
        ones before it.
        """
        client, hops = peer, [hop.strip() for line in forwarded for hop in line.split(",")]
        while self.trusts(client) and hops:
            hop = address_of(_without_port(hops.pop()))
            if hop is None:
                return client
            client = str(hop)
        return client

    @cached_property
    def _default_port(self) -> int:
        return _DEFAULT_PORTS[self.scheme]

    @cached_property
    def _allowed(self) -> frozenset[tuple[str, int | None]]:
        return frozenset(hosts(self.allowed_hosts))

    @cached_property
    def _proxies(self) -> Networks:
        return networks(self.trusted_proxies)

    def trusts(self, said: str) -> bool:
        address = address_of(said) if self._proxies else None
        return address is not None and any(address in network for network in self._proxies)


def authority(text: str) -> tuple[str, int | None] | None:
    """(host in lower case, port if one is named) of a Host header; None if it is none."""
    found = _AUTHORITY.fullmatch(text.lower())
    if found is None:
        return None
    host, port = found[1], int(found[2]) if found[2] else None
    if port is not None and not 0 < port <= 65535:
        return None
    if not host.startswith("["):
        return host, port
    address = address_of(host[1:-1])
    return None if address is None else (_bracketed(str(address)), port)


def hosts(listed: str) -> list[tuple[str, int | None]]:
    """`studio.example, 10.0.0.5:8420`; without a port, all of them. Raises ValueError."""
    found = []
    for each in _split(listed):
        named = authority(each)
        if named is None:
            raise ValueError(f"{each!r} is no host: write NAME or NAME:PORT")
        found.append(named)
    return found


def networks(listed: str) -> Networks:
    """`10.0.0.7, 192.168.1.0/24`. Raises ValueError."""
    return [ipaddress.ip_network(each, strict=False) for each in _split(listed)]


def check_public_url(text: str) -> None:
    """Raises ValueError unless it is `http[s]://HOST[:PORT][/…]`."""
    asked = urlsplit(text)
    if asked.scheme not in _DEFAULT_PORTS or authority(asked.netloc) is None:
        raise ValueError(
            f"{text!r} is no address of a site: write https://NAME or https://NAME:PORT"
        )


def is_ip_literal(said: str) -> bool:
    """Such a Host cannot come from a page elsewhere: rebinding needs a name."""
    named = authority(said)
    return named is not None and address_of(named[0].strip("[]")) is not None


def _public(url: str) -> tuple[str, int]:
    asked = urlsplit(url)
    named = authority(asked.netloc) or ("", None)
    return named[0], named[1] or _DEFAULT_PORTS.get(asked.scheme, 80)


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    address = address_of(host.strip("[]"))
    return address is not None and address.is_loopback


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def _without_port(hop: str) -> str:
    """Some proxies write the port too: `192.0.2.1:4711`, `[2001:db8::1]:4711`."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def _split(listed: str) -> list[str]:
    return [each.strip() for each in listed.split(",") if each.strip()]
