"""The one door to addresses that others gave us.

Each request reads the address, resolves its name once, judges every answer, and connects to exactly
what was judged; so a name that leads elsewhere a moment later (DNS rebinding) gains nothing.
Redirects are answers and never followed; proxies of the environment are not asked.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from dataclasses import dataclass
from http.client import HTTPException

import psutil

from gateways.outgoing.addresses import Address, is_public, read_address
from gateways.outgoing.deadline import left
from gateways.outgoing.errors import (
    AnswerTooLarge,
    NameNotFound,
    NotPublic,
    NotReached,
    TookTooLong,
)
from gateways.outgoing.exchange import Answer, TooMuch, exchange, written
from gateways.outgoing.targets import Target, read_target

WITHIN_S = 10.0
MOST_BYTES = 64 * 1024
_MOST_ADDRESSES = 4  # that are tried; the time is shared
_RESOLVING = 8  # names at once: a resolver that hangs holds no more threads than these

Resolve = Callable[[str, int], Sequence[str]]
Connect = Callable[[Address, int, float], socket.socket]
OwnAddresses = Callable[[], Iterable[Address]]


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""


class Outgoing:
    """Thread-safe. Waits for the network: call it from a thread of its own, never on a loop.

    `own_doubles`: origins of our own stand-ins on loopback, exactly as `http://127.0.0.1:8123`,
    which are let through. The other arguments are the network itself, for tests.
    """

    def __init__(
        self,
        *,
        own_doubles: Iterable[str] = (),
        within_s: float = WITHIN_S,
        tls: ssl.SSLContext | None = None,
        resolve: Resolve | None = None,
        connect: Connect | None = None,
        own_addresses: OwnAddresses | None = None,
    ) -> None:
        self._own_doubles = frozenset(map(_own_double, own_doubles))
        self._within_s = within_s
        self._tls = tls or ssl.create_default_context()
        self._resolve = resolve or _system_resolve
        self._connect = connect or _system_connect
        self._own_addresses = own_addresses or _addresses_of_this_machine
        self._resolving: Executor = ThreadPoolExecutor(_RESOLVING, thread_name_prefix="resolve")

    def check(self, url: str) -> None:
        """Would it be sent now? For whoever writes an address down. Raises like `send`."""
        target = read_target(url, self._own_doubles)
        self._allowed(target, time.monotonic() + self._within_s)

    def send(self, request: Request) -> Answer:
        """The answer, whatever its status.

        Raises TargetRefused, NotPublic, NameNotFound, NotReached, TookTooLong, AnswerTooLarge;
        ValueError for a method or header that is none.
        """
        target = read_target(request.url, self._own_doubles)
        message = written(target, request.method, request.headers, request.body)
        deadline_s = time.monotonic() + self._within_s
        try:
            with self._connected(target, deadline_s) as link:
                return exchange(
                    link, request.method, message, deadline_s=deadline_s, most_bytes=MOST_BYTES
                )
        except TimeoutError:
            raise TookTooLong(target.host, self._within_s) from None
        except TooMuch:
            raise AnswerTooLarge(target.host, MOST_BYTES) from None
        except ssl.SSLCertVerificationError as error:
            raise NotReached(target.host, f"its certificate: {error.verify_message}") from None
        except (OSError, HTTPException, ValueError) as error:
            raise NotReached(target.host, type(error).__name__) from None

    def _connected(self, target: Target, deadline_s: float) -> socket.socket:
        link = self._connected_plain(target, self._allowed(target, deadline_s), deadline_s)
        if target.scheme == "http":  # one of our own
            return link
        try:
            link.settimeout(left(deadline_s))
            return self._tls.wrap_socket(link, server_hostname=target.host)
        except BaseException:
            link.close()
            raise

    def _connected_plain(
        self, target: Target, addresses: Sequence[Address], deadline_s: float
    ) -> socket.socket:
        tried = addresses[:_MOST_ADDRESSES]
        for number, address in enumerate(tried):
            share_s = left(deadline_s) / (len(tried) - number)
            try:
                return self._connect(address, target.port, share_s)
            except OSError:
                if number == len(tried) - 1:
                    raise
        raise NameNotFound(target.host)

    def _allowed(self, target: Target, deadline_s: float) -> list[Address]:
        """Where to connect. All that a name leads to must be public: one that is not shows that the
        name is no honest one, or that a resolver answers for two networks."""
        if target.origin in self._own_doubles and target.address is not None:
            return [target.address]
        found = [target.address] if target.address else self._looked_up(target, deadline_s)
        own = {_plain(address) for address in self._own_addresses()}
        if not all(is_public(address) and _plain(address) not in own for address in found):
            raise NotPublic(target.host)
        return found

    def _looked_up(self, target: Target, deadline_s: float) -> list[Address]:
        looking = self._resolving.submit(self._resolve, target.host, target.port)
        try:
            texts = looking.result(left(deadline_s))
        except NotInTime:
            looking.cancel()
            raise TookTooLong(target.host, self._within_s) from None
        except (OSError, UnicodeError):
            raise NameNotFound(target.host) from None
        addresses = [read_address(text) for text in dict.fromkeys(texts)]
        if not addresses:
            raise NameNotFound(target.host)
        if None in addresses:
            raise NotPublic(target.host)
        return [address for address in addresses if address is not None]


def _own_double(origin: str) -> str:
    """Raises ValueError for what is not on loopback."""
    target = read_target(origin, frozenset({origin}))
    loopback = target.address is not None and target.address.is_loopback
    if target.origin != origin or not loopback:
        raise ValueError(f"{origin} is not an origin on loopback like http://127.0.0.1:8123")
    return origin


def _plain(address: Address) -> Address:
    return getattr(address, "ipv4_mapped", None) or address


def _system_resolve(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [str(place[0]) for *_, place in found]


def _system_connect(address: Address, port: int, within_s: float) -> socket.socket:
    """To this address and no other: it goes to the kernel as numbers."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    link = socket.socket(family, socket.SOCK_STREAM)
    try:
        link.settimeout(within_s)
        link.connect((str(address), port))
    except BaseException:
        link.close()
        raise
    return link


def _addresses_of_this_machine() -> list[Address]:
    texts = [one.address for own in psutil.net_if_addrs().values() for one in own]
    return [address for text in texts if (address := read_address(text.partition("%")[0]))]
