"""Forms with a file in them: read as they are meant, and cheap whatever is sent."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from fastapi import Request

from commands.vault.multipart import (
    FormTooLarge,
    MalformedMultipart,
    MultipartRequired,
    SentFile,
    receive_file,
)
from events.errors import NoCultureError

CHUNK = 256 * 1024
AT_ONCE_S = 0.5


class Kept:
    """Stands for the staged file."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, pieces: list[bytes]) -> None:
        self.data += b"".join(pieces)


def receive(body: bytes, kind: str = "multipart/form-data; boundary=b", chunk: int = CHUNK) -> Any:
    """(what the form says of its file, the file)"""
    chunks = [body[at : at + chunk] for at in range(0, len(body), chunk)]

    async def more() -> dict[str, Any]:
        return {"type": "http.request", "body": chunks.pop(0), "more_body": bool(chunks)}

    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", kind.encode())]}
    kept = Kept()
    return asyncio.run(receive_file(Request(scope, more), kept, 10**9)), kept.data


def part(disposition: str, value: bytes = b"") -> bytes:
    return b"--b\r\nContent-Disposition: form-data; " + disposition.encode() + b"\r\n\r\n" + value


HOSTILE = {
    "15,000 parts": (part('name="x"', b"\r\n") * 15_000, FormTooLarge),
    "15,000 names in other words": (part('name="=?utf-8?q?x?="', b"\r\n") * 15_000, FormTooLarge),
    "semicolons": (part('name="x"' + ";" * 8_000, b"\r\n") * 30, MalformedMultipart),
    "quotes": (part('x="' * 20_000), MalformedMultipart),
    "headers": (b"--b\r\n" + b"a:b\r\n" * 100_000, MalformedMultipart),
    "a header": (b"--b\r\nX: " + b"h" * 900_000, MalformedMultipart),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_tiny_parts_and_odd_headers_stopped_all_requests_for_seconds(what: str):
    body, refusal = HOSTILE[what]
    began = time.perf_counter()
    with pytest.raises(refusal):
        receive(body)
    assert time.perf_counter() - began < AT_ONCE_S


@pytest.mark.parametrize("tail", [";" * 60_000, ' a="\\' * 15_000, " a=b;" * 15_000], ids=len)
def test_a_content_type_of_60_kb_stopped_all_requests_for_21_s(tail: str):
    began = time.perf_counter()
    with pytest.raises(MultipartRequired):
        receive(b"", f"multipart/form-data; boundary=b{tail}")
    assert time.perf_counter() - began < AT_ONCE_S


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ('filename="a.wav"', "a.wav"),
        ("filename=a.wav", "a.wav"),
        ('filename="Café;=中.wav"', "Café;=中.wav"),
        ('filename="a\\"b.wav"', 'a"b.wav'),
        ('filename="a%22b.wav"', 'a"b.wav'),
        ("filename*=utf-8''Caf%C3%A9.wav", "Café.wav"),
        ("filename*=ISO-8859-1'en'Caf%E9.wav", "Café.wav"),
        ("filename=\"x.wav\"; filename*=utf-8''Caf%C3%A9.wav", "x.wav"),
        ("x=y", None),
    ],
)
def test_every_way_to_name_a_file_is_read(said: str, name: str | None):
    body = part(f'name="file"; {said}', b"audio\r\n") + part(
        'name="path"', b"Song A/a\r\n--b--\r\n"
    )
    assert receive(body) == (SentFile(name, "Song A/a"), b"audio")


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 64])
def test_a_file_is_the_same_however_it_is_cut(chunk: int):
    data = b"x--b\r\n--\r--b-\r\n--c\r\n\r\n" * 3
    body = part('name="x"', b"1\r\n") + part('name="file"; filename="a"', data + b"\r\n--b--\r\n")
    assert receive(body, chunk=chunk) == (SentFile("a", None), data)


@pytest.mark.parametrize("kind", ["", "text/plain", "multipart/mixed; boundary=b", "multipart"])
def test_what_is_no_form_is_told_so(kind: str):
    with pytest.raises(NoCultureError) as refused:
        receive(b"x", kind)
    assert refused.value.code == "multipart-required"
