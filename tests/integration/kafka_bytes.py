"""Requests to a broker by the byte, for what no client library would send."""

from __future__ import annotations

import socket


def asked(port: int, *requests: bytes) -> list[bytes]:
    """Answers of a server on one connection; an empty one where it hangs up."""
    answers = []
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        for request in requests:
            connection.sendall(len(request).to_bytes(4, "big") + request)
            try:
                answers.append(connection.recv(4096)[8:])
            except ConnectionResetError:
                answers.append(b"")
    return answers


def request(kind: int, version: int, body: bytes, tags: bytes = b"") -> bytes:
    return (
        kind.to_bytes(2, "big") + version.to_bytes(2, "big") + bytes(4) + b"\xff\xff" + tags + body
    )


def string(text: str) -> bytes:
    return len(text).to_bytes(2, "big") + text.encode()


DESCRIBE_CONTROLLERS = request(60, 1, b"\0\2\0", tags=b"\0")
HANDSHAKE_REFUSED, SIGN_IN_REFUSED = 33, 58


def plain(user: str, password: str) -> tuple[bytes, bytes]:
    login = f"\0{user}\0{password}".encode()
    sign_in = request(36, 0, len(login).to_bytes(4, "big") + login)
    return request(17, 1, string("PLAIN")), sign_in
