"""A cover with too many bytes is made smaller in the limited child; one that cannot be says why."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from mutagen.id3 import APIC, ID3

from gateways.audio.facts import MAX_COVER_BYTES, Accepted
from gateways.audio.pictures import fit_pictures
from gateways.audio.pool import AudioPool
from gateways.audio.smaller import smaller
from tests.fixtures.audio_corpus import tone, write_encoded

FRONT, BACK = 3, 4


def picture(codec: str, pixels: str, side: int = 1500) -> bytes:
    """Noise, which nothing packs well."""
    noise = np.random.default_rng(1).integers(0, 256, (side, side, 4), np.uint8)
    encoder = av.CodecContext.create(codec, "w")
    encoder.width, encoder.height, encoder.pix_fmt = side, side, pixels
    encoder.time_base = Fraction(1)
    if codec == "mjpeg":
        encoder.qmin = encoder.qmax = 1
    frame = av.VideoFrame.from_ndarray(noise, "rgba").reformat(format=pixels)
    return b"".join(map(bytes, [*encoder.encode(frame), *encoder.encode(None)]))


def of_size(data: bytes) -> tuple[int, int]:
    decoder = av.CodecContext.create("mjpeg", "r")
    frame = [*decoder.decode(av.Packet(data)), *decoder.decode(None)][0]
    return frame.width, frame.height


@pytest.fixture(scope="module")
def large() -> bytes:
    data = picture("png", "rgb24", 2000)
    assert len(data) > MAX_COVER_BYTES
    return data


def with_pictures(path: Path, *pictures: tuple[int, bytes]) -> Path:
    write_encoded(path, tone(0.3))
    tags = ID3()
    for kind, data in pictures:
        tags.add(APIC(mime="image/png", type=kind, desc=str(kind), data=data))
    tags.save(path)
    return path


def test_a_large_cover_is_made_smaller_and_kept(
    pool: AudioPool, tmp_path: Path, large: bytes
) -> None:
    probe = pool.probe(with_pictures(tmp_path / "a.mp3", (FRONT, large)))
    assert isinstance(probe, Accepted)
    assert probe.cover is not None
    assert probe.cover.media_type == "image/jpeg"
    assert of_size(probe.cover.data) == (1500, 1500)
    assert probe.cover_note is None


@pytest.mark.parametrize(
    ("codec", "pixels"), [("png", "rgba"), ("png", "gray"), ("mjpeg", "yuvj444p")]
)
def test_a_large_picture_of_any_kind_is_made_smaller(codec: str, pixels: str) -> None:
    data = picture(codec, pixels, 1700)
    assert len(data) > MAX_COVER_BYTES
    (made,), note = fit_pictures([(FRONT, data)])
    assert (made.kind, made.media_type, note) == ("front cover", "image/jpeg", None)
    assert len(made.data) <= MAX_COVER_BYTES
    assert of_size(made.data) == (1500, 1500)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 60_000, 60_000), "60,000 by"),
        (b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 9_000, 9_000), "9,000 by"),
        (b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 9, 9) + bytes(3 << 20),
         "damaged"),
        (b"\xff\xd8\xff\xe0\0\x04ab", "damaged"),
        (b"GIF89a" + bytes(20), "format"),
        (b"<svg onload=alert(1)>", "format"),
        (b"", "format"),
    ],
)  # fmt: skip
def test_a_picture_that_is_not_shown_says_why(data: bytes, says: str) -> None:
    kept, note = fit_pictures([(FRONT, data)])
    assert kept == ()
    assert note is not None
    assert says in note


def test_a_bomb_is_refused_by_its_header_and_never_decoded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("gateways.audio.pictures.smaller", lambda *_: pytest.fail("was decoded"))
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 60_000, 60_000)
    kept, note = fit_pictures([(FRONT, bomb + bytes(3 << 20))])
    assert kept == ()
    assert "pixels" in str(note)


def test_a_second_header_that_says_more_than_the_first_is_not_believed() -> None:
    """A JPEG may state its size again further on, after its first header was checked."""
    honest = picture("mjpeg", "yuvj444p", 600)
    assert smaller(honest, "image/jpeg", 600 * 600, MAX_COVER_BYTES) is not None
    assert smaller(honest, "image/jpeg", 600 * 300, MAX_COVER_BYTES) is None


def test_what_all_pictures_of_a_file_may_cost_is_bounded(
    monkeypatch: pytest.MonkeyPatch, large: bytes
) -> None:
    """Twelve of the largest would take a minute; the front cover is served first."""
    monkeypatch.setattr("gateways.audio.pictures.MAX_DECODED_PIXELS", 5_000_000)
    others = [(BACK, large + bytes([number])) for number in range(3)]
    kept, note = fit_pictures([*others, (FRONT, large)])
    assert [each.kind for each in kept] == ["front cover"]
    assert note is None


def test_no_note_is_left_where_there_is_a_cover(large: bytes) -> None:
    small = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 3, 3) + bytes(20)
    kept, note = fit_pictures([(BACK, b"GIF89a"), (FRONT, small)])
    assert ([each.kind for each in kept], note) == (["front cover"], None)
