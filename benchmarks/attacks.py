"""Attacks a server as any stranger may: `python -m benchmarks.attacks PORT NAME SECONDS`.

The attacks run in a process of their own, so that they take nothing from the one that measures.
Each is bounded: a few hundred connections, which repeat what one of them may do.
"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
POST = b"POST /sign-up HTTP/1.1\r\nHost: 127.0.0.1\r\n"
PART = b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n\r\n'
HALF_OPEN, UNREAD = 300, 32


class Attacker:
    def __init__(self, port: int, until: float) -> None:
        self._port, self._until = port, until
        self._held: list[socket.socket] = []

    def goes_on(self) -> bool:
        return time.monotonic() < self._until

    def connect(self) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self._port), timeout=2)
        # The oldest connection goes: an attacker has only so many.
        self._held.append(made)
        if len(self._held) > HALF_OPEN:
            self._held.pop(0).close()
        return made

    def send(self, sent: bytes, *, reads: bool = True) -> None:
        """Sends on a connection of its own, which stays open if nothing is read."""
        host = b"Host: 127.0.0.1"
        sent = sent.replace(host, host + b":%d" % self._port)
        with suppress(OSError):
            connection = self.connect()
            connection.sendall(sent)
            if reads:
                connection.recv(1 << 16)
                connection.close()


def huge_header(attacker: Attacker) -> None:
    attacker.send(HEALTH + b"X: " + b"h" * 20_000_000)


def many_headers(attacker: Attacker) -> None:
    attacker.send(HEALTH + b"a:b\r\n" * 500_000 + b"\r\n")


def half_requests(attacker: Attacker) -> None:
    attacker.send(HEALTH, reads=False)
    time.sleep(0.002)


def slow_bodies(attacker: Attacker) -> None:
    attacker.send(POST + b"Content-Length: 1000\r\n\r\n{", reads=False)
    time.sleep(0.002)


def ahead(attacker: Attacker) -> None:
    attacker.send((HEALTH + b"\r\n") * 5_000)


def unread(attacker: Attacker) -> None:
    attacker.send(b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 16, reads=False)
    time.sleep(0.02)


def form_parts(attacker: Attacker) -> None:
    head = b"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: %d\r\n\r\n"
    attacker.send(POST + head % (len(PART) * 4_000) + PART * 4_000)


def semicolons(attacker: Attacker) -> None:
    head = b"Content-Type: multipart/form-data" + b";" * 30_000
    attacker.send(POST + head + b"\r\nContent-Length: 2\r\n\r\n{}")


def crumbs(attacker: Attacker) -> None:
    attacker.send(POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 200_000)


def wrong_values(attacker: Attacker) -> None:
    said = b"{" + b",".join(b'"f%d":1' % number for number in range(20_000)) + b"}"
    head = b"POST /api/accounts HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    attacker.send(head + b"Content-Length: %d\r\n\r\n" % len(said) + said)


ATTACKS: dict[str, Callable[[Attacker], None]] = {
    each.__name__: each
    for each in (
        *(huge_header, many_headers, half_requests, slow_bodies, ahead, unread),
        *(form_parts, semicolons, crumbs, wrong_values),
    )
}


def main(port: str, name: str, seconds: str) -> None:
    attacker = Attacker(int(port), time.monotonic() + float(seconds))
    while attacker.goes_on():
        ATTACKS[name](attacker)


if __name__ == "__main__":
    main(*sys.argv[1:])
