"""Waveform peaks: one blob with every zoom level, read back as audiowaveform JSON, version 2.

The container, little-endian: magic `NCPEAKS1`, uint32 sample rate in Hz, uint32 count of levels,
then per level uint32 samples per pixel and uint32 pixels, then the levels' data in that order:
int8 pairs (min, max), 127 = full scale, over all channels: a mono mix would draw a flat line for
a track whose sides cancel out.
"""

from __future__ import annotations

import struct

import numpy as np

PEAKS_MEDIA_TYPE = "application/vnd.noculture.peaks"
SAMPLES_PER_PIXEL = (256, 1024, 4096)

_MAGIC = b"NCPEAKS1"
_HEADER = struct.Struct("<8sII")
_LEVEL = struct.Struct("<II")


class PeaksBuilder:
    """Feed float32 blocks (samples, channels); memory grows by 2 bytes per 256 samples only."""

    def __init__(self, sample_rate_hz: int, channels: int) -> None:
        self._rate = sample_rate_hz
        self._rest = np.empty((0, channels), dtype=np.float32)
        self._lows: list[np.ndarray] = []
        self._highs: list[np.ndarray] = []

    def feed(self, block: np.ndarray) -> None:
        samples = np.concatenate((self._rest, block))
        whole = len(samples) - len(samples) % SAMPLES_PER_PIXEL[0]
        self._take(samples[:whole])
        self._rest = samples[whole:]

    def finish(self) -> bytes:
        """The blob of all levels; a last, partly filled pixel counts as one."""
        if len(self._rest):
            missing = SAMPLES_PER_PIXEL[0] - len(self._rest)
            self._take(np.pad(self._rest, ((0, missing), (0, 0)), "edge"))
            self._rest = self._rest[:0]
        low = np.concatenate([np.empty(0, np.int8), *self._lows])
        high = np.concatenate([np.empty(0, np.int8), *self._highs])
        levels = [self._level(low, high, spp // SAMPLES_PER_PIXEL[0]) for spp in SAMPLES_PER_PIXEL]
        parts = [_HEADER.pack(_MAGIC, self._rate, len(levels))]
        parts += [
            _LEVEL.pack(spp, len(level) // 2)
            for spp, level in zip(SAMPLES_PER_PIXEL, levels, strict=True)
        ]
        return b"".join([*parts, *(level.tobytes() for level in levels)])

    def _take(self, samples: np.ndarray) -> None:
        pixels = np.clip(samples, -1, 1).reshape(-1, SAMPLES_PER_PIXEL[0] * samples.shape[1])
        self._lows.append(np.rint(pixels.min(axis=1) * 127).astype(np.int8))
        self._highs.append(np.rint(pixels.max(axis=1) * 127).astype(np.int8))

    @staticmethod
    def _level(low: np.ndarray, high: np.ndarray, group: int) -> np.ndarray:
        if len(low) == 0:
            return np.empty(0, np.int8)
        starts = np.arange(0, len(low), group)
        pairs = (np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts))
        return np.stack(pairs, axis=1).ravel()


def read_zoom(blob: bytes, zoom: int) -> dict[str, object]:
    """audiowaveform JSON v2 of the coarsest level with at most `zoom` samples per pixel.

    A zoom finer than the finest level gives the finest. Raises ValueError on other bytes.
    """
    magic, rate, count = _HEADER.unpack_from(blob) if len(blob) >= _HEADER.size else (b"", 0, 0)
    if magic != _MAGIC or not count or len(blob) < _HEADER.size + count * _LEVEL.size:
        raise ValueError("these bytes are not waveform peaks")
    levels = [_LEVEL.unpack_from(blob, _HEADER.size + _LEVEL.size * i) for i in range(count)]
    chosen = max((spp for spp, _ in levels if spp <= zoom), default=levels[0][0])
    start = _HEADER.size + _LEVEL.size * count
    for samples_per_pixel, pixels in levels:
        if samples_per_pixel == chosen:
            break
        start += 2 * pixels
    return {
        "version": 2,
        "channels": 1,
        "sample_rate": rate,
        "samples_per_pixel": samples_per_pixel,
        "bits": 8,
        "length": pixels,
        "data": np.frombuffer(blob, np.int8, 2 * pixels, start).tolist(),
    }
