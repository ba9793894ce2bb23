"""Level, offset and likeness of the two sides, every 20 ms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

STEP_S = 0.02


@dataclass(frozen=True)
class Steps:
    """Float32 arrays of n steps of `step_s`: `power` (mean square) and `mean` (n, channels),
    `cross` (mean of left times right) (n,); `widest` is the greatest |left - right| of all."""

    step_s: float
    power: np.ndarray
    mean: np.ndarray
    cross: np.ndarray
    widest: float

    @property
    def channels(self) -> int:
        return int(self.power.shape[1])

    def level_db(self) -> np.ndarray:
        """(n,) of the mean of the channels without their offset, dBFS (a full sine is -3)."""
        alternating = np.maximum(self.power - np.square(self.mean), 0).mean(axis=1)
        return np.asarray(10 * np.log10(np.maximum(alternating, 1e-15)))


class StepMeter:
    """Feed float32 blocks (samples, 1 or 2)."""

    def __init__(self, rate_hz: int, channels: int) -> None:
        self._step = max(1, round(STEP_S * rate_hz))
        self._step_s = self._step / rate_hz
        self._rest = np.empty((0, channels), np.float32)
        self._power: list[np.ndarray] = [np.empty((0, channels), np.float32)]
        self._mean: list[np.ndarray] = [np.empty((0, channels), np.float32)]
        self._cross: list[np.ndarray] = [np.empty(0, np.float32)]
        self._widest = 0.0

    def feed(self, block: np.ndarray) -> None:
        if len(self._rest):
            block = np.concatenate((self._rest, block))
        whole = len(block) - len(block) % self._step
        pieces = block[:whole].reshape(-1, self._step, block.shape[1])
        self._rest = block[whole:]
        self._power.append(np.einsum("nsc,nsc->nc", pieces, pieces) / self._step)
        self._mean.append(pieces.mean(axis=1))
        left, right = pieces[..., 0], pieces[..., -1]
        self._cross.append(np.einsum("ns,ns->n", left, right) / self._step)
        if block.shape[1] == 2 and whole:
            self._widest = max(self._widest, float(np.abs(left - right).max()))

    def finish(self) -> Steps:
        return Steps(
            self._step_s,
            np.concatenate(self._power),
            np.concatenate(self._mean),
            np.concatenate(self._cross),
            self._widest,
        )
