"""A decoded file cut into whole seconds, at its own rate and at 44.1 kHz."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import av
import numpy as np
from av.audio.resampler import AudioResampler

from gateways.audio.sound import SAMPLE_RATE_HZ


def whole_seconds(blocks: Iterable[np.ndarray], rate_hz: int) -> Iterator[np.ndarray]:
    """Blocks (n, channels) as seconds (rate_hz, channels); the last may be shorter.

    A frame holds 1,152 samples, too few for numpy to be quick.
    """
    held: list[np.ndarray] = []
    size = 0
    for block in blocks:
        held.append(block)
        size += len(block)
        if size >= rate_hz:
            joined = np.concatenate(held)
            whole = size - size % rate_hz
            yield from joined[:whole].reshape(-1, rate_hz, joined.shape[1])
            held, size = [joined[whole:]], size - whole
    if size:
        yield np.concatenate(held)


class Converter:
    """Float32 blocks (n, 1 or 2) from one rate to 44.1 kHz, as they come."""

    def __init__(self, rate_hz: int, channels: int) -> None:
        self._rate_hz = rate_hz
        self._layout = "mono" if channels == 1 else "stereo"
        self._resampler = None
        if rate_hz != SAMPLE_RATE_HZ:
            self._resampler = AudioResampler("fltp", self._layout, SAMPLE_RATE_HZ)

    def feed(self, block: np.ndarray) -> Iterator[np.ndarray]:
        if self._resampler is None:
            yield block
            return
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block.T), "fltp", self._layout)
        frame.sample_rate = self._rate_hz
        yield from self._arrays(frame)

    def finish(self) -> Iterator[np.ndarray]:
        """Gives what the filter still holds."""
        if self._resampler is not None:
            yield from self._arrays(None)

    def _arrays(self, frame: av.AudioFrame | None) -> Iterator[np.ndarray]:
        assert self._resampler is not None
        for made in self._resampler.resample(frame):
            yield made.to_ndarray().T.astype(np.float32, copy=True)
