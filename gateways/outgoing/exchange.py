"""One request and its answer on an open connection, in so much time and so many bytes."""

from __future__ import annotations

import io
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any

from gateways.outgoing.deadline import left
from gateways.outgoing.targets import Target

_MOST_HEAD_BYTES = 32 * 1024
_PIECE_BYTES = 16 * 1024
_METHOD = re.compile(r"[A-Z]{1,16}")
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}")
_VALUE = re.compile(r"[\x20-\x7e]{0,8192}")
_OURS = frozenset(
    {"host", "connection", "content-length", "transfer-encoding", "accept-encoding", "expect"}
)


@dataclass(frozen=True, slots=True)
class Answer:
    """Names of `headers` are small letters; of several of a name the last is kept."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class TooMuch(Exception):
    """The answer is longer than it may be."""


def exchange(
    link: socket.socket, method: str, message: bytes, *, deadline_s: float, most_bytes: int
) -> Answer:
    """Sends the whole message, reads the answer. Raises TimeoutError, TooMuch, OSError and
    HTTPException."""
    _write(link, message, deadline_s)
    # What frames a body in chunks counts as well: twice its length is generous.
    source = _Limited(link, deadline_s, _MOST_HEAD_BYTES + 2 * most_bytes)
    response = HTTPResponse(_Readable(source), method=method)  # type: ignore[arg-type]
    with response:
        response.begin()
        if response.length is not None and response.length > most_bytes:
            raise TooMuch
        content = response.read(most_bytes + 1)
        if len(content) > most_bytes:
            raise TooMuch
        named = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, named, content)


def written(target: Target, method: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """The request as it is sent. Raises ValueError for a method or header that is none."""
    if not _METHOD.fullmatch(method):
        raise ValueError("no method")
    default_port = 443 if target.scheme == "https" else 80
    host = target.written_host
    lines = [
        f"{method} {target.path} HTTP/1.1",
        f"Host: {host if target.port == default_port else f'{host}:{target.port}'}",
        "Connection: close",
        "Accept-Encoding: identity",
        f"Content-Length: {len(body)}",
    ]
    for name, value in headers.items():
        if name.lower() in _OURS or not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise ValueError(f"no header: {name!r}")
        lines.append(f"{name}: {value}")
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


def _write(link: socket.socket, data: bytes, deadline_s: float) -> None:
    for start in range(0, len(data), _PIECE_BYTES):
        link.settimeout(left(deadline_s))
        link.sendall(data[start : start + _PIECE_BYTES])


class _Limited(io.RawIOBase):
    """Bytes of the connection until the deadline, whoever sends them one by one; and no more than
    so many."""

    def __init__(self, link: socket.socket, deadline_s: float, most_bytes: int) -> None:
        self._link, self._deadline_s, self._bytes_left = link, deadline_s, most_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._link.settimeout(left(self._deadline_s))
        count = self._link.recv_into(buffer)
        self._bytes_left -= count
        if self._bytes_left < 0:
            raise TooMuch
        return count


class _Readable:
    """Stands for the socket that HTTPResponse expects."""

    def __init__(self, source: _Limited) -> None:
        self._source = source

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self._source)
