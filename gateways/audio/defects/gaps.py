"""Sound that stops and goes on (dropouts) and single samples that stick out (clicks)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gateways.audio.defects.clipping import spans_of
from schemas.audio.report import Span

_NOTHING = 2**-15  # one step of 16 bits
_SHORTEST_S, _LONGEST_S = 0.002, 1.0
# A dropout cuts a level like this off (-40 dBFS), and the level is back at once. Music that stops
# by itself is gated, faded or between notes.
_CUT_LEVEL = 0.01
_EDGE_S = 0.001
_CLICK = 0.08
_AROUND = 8
_APART = np.array([shift for shift in range(-_AROUND, _AROUND + 1) if abs(shift) > 1])
_CONTEXT = 2 * _AROUND + 4
_MOST = 200  # places; a file made of gaps would fill the memory with them
_MOST_CLICKS = 100_000


@dataclass(frozen=True)
class Gaps:
    dropouts: list[Span]
    clicks: list[Span]


@dataclass
class _Edge:
    """The last sample that was loud enough, and the level of the millisecond up to it."""

    at: int = -1
    level: float = 0.0


@dataclass
class GapMeter:
    """Feed float32 blocks (samples, channels) at the file's own rate."""

    rate_hz: int
    channels: int
    _at: int = 0
    _edge: _Edge = field(default_factory=_Edge)
    _dropouts: list[Span] = field(default_factory=list)
    _clicks: list[np.ndarray] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._tail = np.zeros((_CONTEXT, self.channels), np.float32)

    def feed(self, block: np.ndarray) -> None:
        level = np.abs(block).max(axis=1)
        if len(self._dropouts) < _MOST:
            self._find_dropouts(level)
        joined = np.concatenate((self._tail, block))
        if sum(map(len, self._clicks)) < _MOST_CLICKS:
            for channel in joined.T:
                self._find_clicks(np.ascontiguousarray(channel))
        self._tail = joined[-_CONTEXT:]
        self._at += len(block)

    def finish(self) -> Gaps:
        at = np.unique(np.concatenate([np.empty(0), *self._clicks]))
        return Gaps(self._dropouts[:_MOST], spans_of(at / self.rate_hz, 0.02, _MOST))

    def _find_dropouts(self, level: np.ndarray) -> None:
        loud = np.flatnonzero(level > _NOTHING)
        if len(loud) == 0:
            return
        edge = max(1, round(_EDGE_S * self.rate_hz))
        before = np.concatenate(([self._edge.at - self._at], loud[:-1]))
        for gap in np.flatnonzero(loud - before > _SHORTEST_S * self.rate_hz):
            stop, start = int(loud[gap]), int(before[gap])
            left = self._edge.level if gap == 0 else float(level[: start + 1][-edge:].max())
            right = float(level[stop : stop + edge].max())
            long_s = (stop - start) / self.rate_hz
            if min(left, right) >= _CUT_LEVEL and long_s <= _LONGEST_S:
                from_s, to_s = (self._at + start) / self.rate_hz, (self._at + stop) / self.rate_hz
                self._dropouts.append(Span(start_s=round(from_s, 3), end_s=round(to_s, 3)))
        last = int(loud[-1])
        self._edge = _Edge(self._at + last, float(level[: last + 1][-edge:].max()))

    def _find_clicks(self, channel: np.ndarray) -> None:
        """Finds single samples that their neighbours do not foretell: such a sample is twice as far
        off as they are because of it."""
        if len(channel) <= _CONTEXT:
            return
        wrong = channel[1:-1] - 0.5 * (channel[:-2] + channel[2:])
        size = np.abs(wrong)
        inner = slice(_AROUND, len(wrong) - _AROUND)
        at = np.flatnonzero(size[inner] > _CLICK) + _AROUND
        beside = wrong[at[:, None] + (-1, 1)] / wrong[at][:, None]
        at = at[np.abs(beside + 0.5).max(axis=1) < 0.15]
        around = size[at[:, None] + _APART].max(axis=1, initial=0)
        self._clicks.append(at[around < 0.15 * size[at]] + (self._at - _CONTEXT + 1))
