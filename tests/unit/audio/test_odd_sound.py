"""Sound in words wider than it is, and sound beside a longer film."""

from __future__ import annotations

import struct
from pathlib import Path

import av
import numpy as np
import pytest

from gateways.audio.decode import Blocks, Decoder
from gateways.audio.facts import Accepted
from gateways.audio.probe import probe
from tests.fixtures.audio_corpus import RATE, tone

SUBFORMAT = bytes.fromhex("0100000000001000800000aa00389b71")


def write_valid_bits(path: Path, samples: np.ndarray, word_bits: int, valid: int) -> Path:
    """WAVE_FORMAT_EXTENSIBLE: samples at the top of their words, zeros below."""
    whole = np.round(samples * (2 ** (valid - 1) - 1)).astype("<i8") << (word_bits - valid)
    words = whole.astype("<i8").view(np.uint8).reshape(*samples.shape, 8)[..., : word_bits // 8]
    channels, size = samples.shape[1], word_bits // 8
    if word_bits == 8:
        words = words + np.uint8(128)
    head = struct.pack("<HHIIHH", 0xFFFE, channels, RATE, RATE * channels * size, channels * size,
                       word_bits)  # fmt: skip
    head += struct.pack("<HHI", 22, valid, 0) + SUBFORMAT
    data = words.tobytes()
    body = b"WAVEfmt " + struct.pack("<I", len(head)) + head
    body += b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


@pytest.mark.parametrize(
    ("word_bits", "valid"), [(32, 24), (32, 20), (32, 16), (24, 20), (16, 12), (32, 32), (24, 24)]
)
@pytest.mark.parametrize("channels", [1, 2])
def test_fewer_valid_bits_than_a_word_has_are_heard_right(
    tmp_path: Path, word_bits: int, valid: int, channels: int
) -> None:
    samples = tone(0.5, level=0.3, channels=channels)
    with write_valid_bits(tmp_path / "a.wav", samples, word_bits, valid).open("rb") as file:
        found = probe(file)
        assert isinstance(found, Accepted), found
        assert (found.audio.bit_depth, found.audio.duration_s) == (valid, 0.5)
        decoder = Decoder(file)
        heard = np.concatenate(list(Blocks(decoder, RATE)))
        decoder.close()
    assert np.abs(heard).max() == pytest.approx(0.3, abs=0.002)
    assert np.allclose(heard, samples, atol=0.002)


@pytest.mark.parametrize("kind", ["mp4", "mov"])
@pytest.mark.parametrize(("film_s", "sound_s"), [(9, 3), (3, 3)])
def test_a_film_that_is_longer_than_its_sound_is_not_cut_off(
    tmp_path: Path, kind: str, film_s: int, sound_s: int
) -> None:
    path = tmp_path / f"a.{kind}"
    write_film(path, film_s, sound_s)
    with path.open("rb") as file:
        found = probe(file)
    assert isinstance(found, Accepted), found
    assert found.audio.duration_s == pytest.approx(sound_s, abs=0.1)
    assert not found.audio.truncated


def write_film(path: Path, film_s: int, sound_s: int) -> None:
    with av.open(path, "w", format=path.suffix[1:]) as container:
        film = container.add_stream("mpeg4", rate=5)
        film.width = film.height = 64
        film.pix_fmt = "yuv420p"
        sound = container.add_stream("aac", rate=RATE, layout="stereo")
        for shade in range(5 * film_s):
            still = np.full((64, 64, 3), shade, np.uint8)
            container.mux(film.encode(av.VideoFrame.from_ndarray(still, "rgb24")))
        samples = tone(sound_s)
        for start in range(0, len(samples) - 1023, 1024):
            block = np.ascontiguousarray(samples[start : start + 1024].T)
            frame = av.AudioFrame.from_ndarray(block, "fltp", "stereo")
            frame.sample_rate, frame.pts = RATE, start
            container.mux(sound.encode(frame))
        container.mux(film.encode(None))
        container.mux(sound.encode(None))
