"""The waveform blob reads back as audiowaveform JSON, version 2, at each zoom."""

from __future__ import annotations

import numpy as np
import pytest

from gateways.audio.peaks import SAMPLES_PER_PIXEL, PeaksBuilder, read_zoom


def _blob(samples: np.ndarray, block: int) -> bytes:
    builder = PeaksBuilder(44_100, samples.shape[1])
    for start in range(0, len(samples), block):
        builder.feed(samples[start : start + block])
    return builder.finish()


def _expected(samples: np.ndarray, samples_per_pixel: int) -> list[int]:
    pixels = [
        np.clip(samples[start : start + samples_per_pixel], -1, 1)
        for start in range(0, len(samples), samples_per_pixel)
    ]
    pairs = [(np.rint(pixel.min() * 127), np.rint(pixel.max() * 127)) for pixel in pixels]
    return [int(value) for pair in pairs for value in pair]


SAMPLES = np.random.default_rng(5).normal(0, 0.4, (30_001, 2)).astype(np.float32)


@pytest.mark.parametrize("zoom", SAMPLES_PER_PIXEL)
def test_each_zoom_holds_the_lowest_and_highest_sample_of_each_pixel(zoom: int) -> None:
    level = read_zoom(_blob(SAMPLES, 4410), zoom)
    assert level == {
        "version": 2, "channels": 1, "sample_rate": 44_100, "samples_per_pixel": zoom, "bits": 8,
        "length": -(-len(SAMPLES) // zoom), "data": _expected(SAMPLES, zoom),
    }  # fmt: skip


@pytest.mark.parametrize("block", [1, 255, 256, 30_001])
def test_the_blob_does_not_depend_on_how_the_sound_was_cut(block: int) -> None:
    short = SAMPLES[:3000]
    assert _blob(short, block) == _blob(short, 1000)


@pytest.mark.parametrize(("asked", "given"), [(1, 256), (300, 256), (4095, 1024), (10**6, 4096)])
def test_any_zoom_is_answered_with_a_level_at_least_as_fine(asked: int, given: int) -> None:
    assert read_zoom(_blob(SAMPLES, 4410), asked)["samples_per_pixel"] == given


def test_sides_that_cancel_out_are_still_drawn() -> None:
    one = SAMPLES[:, :1]
    data = read_zoom(_blob(np.hstack((one, -one)), 4410), 256)["data"]
    assert max(data) > 100  # type: ignore[call-overload]


def test_other_bytes_are_not_peaks() -> None:
    for blob in (b"", b"RIFF....WAVE", b"NCPEAKS1" + bytes([255] * 8)):
        with pytest.raises(ValueError, match="not waveform peaks"):
            read_zoom(blob, 256)
