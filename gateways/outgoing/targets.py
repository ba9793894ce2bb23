"""An address as it was written, read strictly: what two readers might read differently is refused.

`getaddrinfo` takes 2130706433, 0x7f.1, 017700000001, 127.1 and full-width digits for 127.0.0.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateways.outgoing.addresses import Address, read_address
from gateways.outgoing.errors import TargetRefused

PORTS = frozenset({443, 8443})
_MOST_CHARACTERS = 2048
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>[^#]*)")
_AUTHORITY = re.compile(
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::(?P<port>[1-9][0-9]{0,4}))?"
)
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_LIKE_A_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


@dataclass(frozen=True, slots=True)
class Target:
    """`address` if the host is one and no name; `path` with its query."""

    scheme: str
    host: str
    port: int
    path: str
    address: Address | None

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.written_host}:{self.port}"

    @property
    def written_host(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


def read_target(url: str, own_doubles: frozenset[str] = frozenset()) -> Target:
    """Raises TargetRefused. `own_doubles` are origins to which scheme and port do not apply."""
    if len(url) > _MOST_CHARACTERS:
        raise TargetRefused(f"it is longer than {_MOST_CHARACTERS} characters")
    if not all("!" <= character <= "~" for character in url) or "\\" in url:
        raise TargetRefused("write it in plain characters without spaces (a name as punycode)")
    parts = _URL.fullmatch(url.partition("#")[0])
    if parts is None:
        raise TargetRefused("write it as https://host/path")
    authority = _AUTHORITY.fullmatch(parts["authority"])
    if authority is None:
        raise TargetRefused("write only a host and perhaps a port behind https://")
    scheme, host = parts["scheme"].lower(), authority["host"].lower()
    address = _address(host)
    port = int(authority["port"] or (80 if scheme == "http" else 443))
    path = parts["path"] if parts["path"].startswith("/") else "/" + parts["path"]
    target = Target(scheme, host if address is None else str(address), port, path, address)
    if target.origin in own_doubles:
        return target
    if scheme != "https":
        raise TargetRefused("it must begin with https://")
    if port not in PORTS:
        raise TargetRefused(f"its port must be one of {', '.join(map(str, sorted(PORTS)))}")
    return target


def _address(host: str) -> Address | None:
    """None for a name. Raises TargetRefused for what is neither."""
    if host.startswith("["):
        address = read_address(host[1:-1])
        if address is None or address.version != 6:
            raise TargetRefused("what is in brackets is no IPv6 address")
        return address
    labels = host.split(".")
    if _LIKE_A_NUMBER.fullmatch(labels[-1]):
        address = read_address(host)
        if address is None:
            raise TargetRefused("write a numeric address as four numbers")
        return address
    if len(host) > 253 or len(labels) < 2 or not all(map(_LABEL.fullmatch, labels)):
        raise TargetRefused("its host is not a full name like example.org")
    return None
