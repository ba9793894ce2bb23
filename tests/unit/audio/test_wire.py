"""A parent that listens to a child which was taken over."""

from __future__ import annotations

import os
import socket
import struct
import time

import pytest

from gateways.audio.wire import Malformed, receive_frame, receive_job, send_frame


def _open_descriptors() -> int:
    return sum(1 for fd in range(256) if _is_open(fd))


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def test_descriptors_that_a_child_sends_do_not_stay_open_with_its_parent() -> None:
    parent, child = socket.socketpair()
    with parent, child:
        before = _open_descriptors()
        for _ in range(20):
            send_frame(child, {"result": {}}, child.fileno())
            assert receive_frame(parent, time.monotonic() + 5) == {"result": {}}
        assert _open_descriptors() == before


def test_a_job_comes_with_its_file() -> None:
    parent, child = socket.socketpair()
    with parent, child, open(os.devnull, "rb") as file:
        send_frame(parent, {"cpu_s": 1}, file.fileno())
        request, fd = receive_job(child)
        assert fd is not None
        os.close(fd)
        assert request == {"cpu_s": 1}


@pytest.mark.parametrize("body", [b"[" * 100_000, b"[]", b"{", b"\xff", b"9" * 5_000])
def test_a_frame_that_makes_no_sense_is_malformed_whatever_it_is(body: bytes) -> None:
    parent, child = socket.socketpair()
    with parent, child:
        child.sendall(struct.pack(">I", len(body)) + body)
        with pytest.raises(Malformed):
            receive_frame(parent, time.monotonic() + 5)
