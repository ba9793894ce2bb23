"""Artwork made anew in the limited child: only what is seen stays, and what is refused says why."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateways.audio.errors import AudioRefused
from gateways.audio.pool import AudioPool
from tests.fixtures.pictures import PLACE, decoded, from_a_telephone, picture, write_pictures


@pytest.fixture(scope="module")
def tools() -> Iterator[AudioPool]:
    with AudioPool() as pool:
        yield pool


def kept(tools: AudioPool, folder: Path, data: bytes) -> Path:
    path = folder / "any name.wav"
    path.write_bytes(data)
    return path


def test_every_format_becomes_two_pictures(tools: AudioPool, tmp_path: Path):
    for path in write_pictures(tmp_path):
        made = tools.picture(path)
        assert decoded(made.data).shape[:2] == (made.height, made.width)
        assert max(decoded(made.small).shape) == 320


def test_a_large_one_is_made_smaller(tools: AudioPool, tmp_path: Path):
    made = tools.picture(kept(tools, tmp_path, picture("png", 3000, 2000)))
    assert (made.width, made.height) == (1500, 1000)


def test_what_a_telephone_adds_is_left_out_and_what_lay_on_its_side_stands(
    tools: AudioPool, tmp_path: Path
):
    sent = from_a_telephone()
    made = tools.picture(kept(tools, tmp_path, sent))
    assert PLACE in sent
    assert PLACE not in made.data
    assert b"Exif" not in made.data
    # Turned to the right its left half, which is red, is above.
    pixels = decoded(made.data)
    assert pixels.shape[:2] == (640, 400)
    assert pixels[100, 200, 0] > 200 > 60 > pixels[500, 200, 0]


def test_light_shines_through_on_white(tools: AudioPool, tmp_path: Path):
    made = tools.picture(kept(tools, tmp_path, picture("png", alpha=0)))
    assert decoded(made.data).min() > 250


def test_a_second_file_behind_a_picture_is_gone(tools: AudioPool, tmp_path: Path):
    made = tools.picture(kept(tools, tmp_path, picture("png") + b"PK\x03\x04<script>"))
    assert b"script" not in made.data + made.small


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "JPEG, PNG or WebP"),
        (b"", "JPEG, PNG or WebP"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 8 + struct.pack(">II", 12_000, 9_000), "12,000 × 9,000"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 8 + struct.pack(">II", 0, 9), "damaged"),
        (picture("png")[:300], "damaged"),
        (b"\xff\xd8\xff" + b"\0" * 10, "damaged"),
        (b"\xff\xd8\xff" * 7_500_000, "20 MB"),
    ],
)
def test_what_cannot_be_taken_says_why(tools: AudioPool, tmp_path: Path, data: bytes, says: str):
    with pytest.raises(AudioRefused, match=says):
        tools.picture(kept(tools, tmp_path, data))
