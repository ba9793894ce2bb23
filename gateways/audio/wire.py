"""Frames between parent and child on a socket pair: uint32 length, JSON, and one open file.

A job that gives more than a frame holds sends chunks before it: uint32 length, bytes; an empty one
is the last.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_LENGTH = struct.Struct(">I")
# 4 hours of peaks are 6.7 MB, 9 MB as base64; a cover is at most 2.8 MB.
MAX_FRAME_BYTES = 48 * 1024 * 1024
MAX_CHUNK_BYTES = 1024 * 1024


class Disconnected(Exception):
    """The other side is gone."""


class Malformed(Exception):
    """The other side sent something that is not a frame."""


def send_frame(link: socket.socket, message: dict[str, Any], fd: int | None = None) -> None:
    """Send one message; an open file descriptor travels with its first byte."""
    body = json.dumps(message).encode()
    header = _LENGTH.pack(len(body))
    try:
        if fd is None:
            link.sendall(header)
        elif socket.send_fds(link, [header], [fd]) < len(header):
            raise Disconnected  # four bytes do not arrive in parts on a local socket
        link.sendall(body)
    except (BrokenPipeError, ConnectionResetError) as error:
        raise Disconnected from error


def receive_frame(link: socket.socket, deadline_s: float | None = None) -> dict[str, Any]:
    """The next message. Descriptors that come with it are refused: the kernel closes them, so that
    a child which was taken over cannot fill its parent's table of open files.

    `deadline_s` is on the monotonic clock. Raises TimeoutError, Disconnected, Malformed.
    """
    with _faults_named():
        return _body_of(link, _receive(link, _LENGTH.size, deadline_s), deadline_s)


def receive_job(link: socket.socket) -> tuple[dict[str, Any], int | None]:
    """The next message and the descriptor that came with it, which the caller closes.

    Raises Disconnected, Malformed.
    """
    with _faults_named():
        _set_timeout(link, None)
        header, fds, _, _ = socket.recv_fds(link, _LENGTH.size, 1)
        if not header:
            raise Disconnected
        header += _receive(link, _LENGTH.size - len(header), None)
        return _body_of(link, header, None), (fds[0] if fds else None)


def _body_of(link: socket.socket, header: bytes, deadline_s: float | None) -> dict[str, Any]:
    (length,) = _LENGTH.unpack(header)
    if length > MAX_FRAME_BYTES:
        raise Malformed(f"a frame of {length} bytes")
    message = json.loads(_receive(link, length, deadline_s))
    if not isinstance(message, dict):
        raise Malformed("not an object")
    return message


@contextmanager
def _faults_named() -> Iterator[None]:
    try:
        yield
    except ConnectionResetError as error:
        raise Disconnected from error
    except ValueError as error:
        raise Malformed(str(error)) from error
    except RecursionError as error:  # json of a frame full of brackets
        raise Malformed("nested too deeply") from error


def send_chunk(link: socket.socket, data: bytes) -> None:
    """Send some of many bytes; none ends them."""
    try:
        link.sendall(_LENGTH.pack(len(data)) + data)
    except (BrokenPipeError, ConnectionResetError) as error:
        raise Disconnected from error


def receive_chunks(link: socket.socket, deadline_s: float | None = None) -> Iterator[bytes]:
    """Until the empty one. Raises TimeoutError, Disconnected, Malformed."""
    try:
        while size := _LENGTH.unpack(_receive(link, _LENGTH.size, deadline_s))[0]:
            if size > MAX_CHUNK_BYTES:
                raise Malformed(f"a chunk of {size} bytes")
            yield _receive(link, size, deadline_s)
    except ConnectionResetError as error:
        raise Disconnected from error


def _receive(link: socket.socket, size: int, deadline_s: float | None) -> bytes:
    parts, missing = [], size
    while missing:
        _set_timeout(link, deadline_s)
        part = link.recv(min(missing, 1 << 20))
        if not part:
            raise Disconnected
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _set_timeout(link: socket.socket, deadline_s: float | None) -> None:
    if deadline_s is None:
        link.settimeout(None)
        return
    left_s = deadline_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    link.settimeout(left_s)
