"""Sections: where the music turns, which parts sound alike, and what they may be for."""

from __future__ import annotations

from itertools import groupby, pairwise

import numpy as np
from scipy.fft import rfft
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from gateways.audio.sound import Sound
from gateways.audio.tonality.pitches import FRAME_RATE_HZ as PITCH_RATE_HZ
from gateways.audio.tonality.pitches import Pitches, pitches
from schemas.audio.report import Beats, Section, Sections

METHOD = "turns of harmony and timbre (Foote 2000), parts grouped by likeness; roles are guesses"
_RATE_HZ = 22_050
_FRAME, _HOP = 2048, 2048
_BANDS = 20
_STEP_S = 0.5
_MOST_STEPS = 800  # 800 x 800 likenesses are 5 MB; ten minutes take steps of 0.75 s
_HALF_S = 12.0  # of the checkerboard: it looks this far back and ahead
_SHORTEST_S = 7.0
_ALIKE = 0.80
_MIN_S = 15.0
_LABELS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def sections(sound: Sound, beats: Beats, *, heard: Pitches | None = None) -> Sections:
    """Spans without gaps; one span, A, for what never turns; none under a second."""
    duration_s = sound.duration_s
    if duration_s < 1.0:
        return Sections(method=METHOD, confidence=0.0)
    if duration_s < _MIN_S:
        whole = Section(start_s=0.0, end_s=round(duration_s, 3), label="A", confidence=0.0)
        return Sections(method=METHOD, confidence=0.0, spans=[whole])
    step_s = max(_STEP_S, duration_s / _MOST_STEPS)
    described, loudness = _described(sound, heard or pitches(sound), step_s)
    likeness = described @ described.T
    novelty = _novelty(likeness, step_s)
    turns = _turns(novelty, step_s)
    edges = _on_downbeats([0.0, *(turn * step_s for turn in turns), duration_s], beats)
    steps = np.unique(np.clip(np.round(np.array(edges) / step_s).astype(int), 0, len(described)))
    edges = [0.0, *(edges[1:-1] if len(steps) == len(edges) else steps[1:-1] * step_s), duration_s]
    labels, sure = _labelled(described, steps)
    levels = [float(loudness[a:b].mean()) for a, b in pairwise(steps)]
    roles = _roles(labels, levels)
    spans = [
        Section(
            start_s=round(float(edges[at]), 3),
            end_s=round(float(edges[at + 1]), 3),
            label=labels[at],
            role=roles[at],
            confidence=round(sure[at], 3),
        )
        for at in range(len(labels))
    ]
    return Sections(method=METHOD, confidence=round(float(np.mean(sure)), 3), spans=spans)


def _described(sound: Sound, heard: Pitches, step_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Each step as a vector of length 1 (steps, features), and its level in dB (steps,)."""
    bands, level = _timbre(sound)
    count = max(2, int(sound.duration_s / step_s))
    timbre = _by_step(bands, _RATE_HZ / _HOP, step_s, count)
    chroma = _by_step(heard.chroma, PITCH_RATE_HZ, step_s, count)
    levels = _by_step(level[:, None], _RATE_HZ / _HOP, step_s, count)[:, 0]
    chroma = chroma / np.maximum(np.linalg.norm(chroma, axis=1, keepdims=True), 1e-9)
    timbre = (timbre - timbre.mean(axis=0)) / (timbre.std(axis=0) + 1.0)
    parts = (timbre / np.sqrt(_BANDS), 1.5 * (chroma - chroma.mean(axis=0)))
    loud = np.clip((levels - levels.mean()) / 6, -1.5, 1.5)[:, None]
    joined = np.hstack((*parts, 0.6 * loud))
    joined = gaussian_filter1d(joined, 1.5 / step_s / 2, axis=0)
    return joined / np.maximum(np.linalg.norm(joined, axis=1, keepdims=True), 1e-6), levels


def _timbre(sound: Sound) -> tuple[np.ndarray, np.ndarray]:
    """Log levels of bands (frames, _BANDS) less their mean, and that mean in dB (frames,)."""
    frames = np.lib.stride_tricks.sliding_window_view(sound.at_22050, _FRAME)[::_HOP]
    window = np.hanning(_FRAME).astype(np.float32)
    edges = np.searchsorted(
        np.fft.rfftfreq(_FRAME, 1 / _RATE_HZ), np.geomspace(60, 10_000, _BANDS + 1)
    )
    edges = np.maximum.accumulate(edges + np.arange(len(edges)) * (np.diff(edges, append=1e9) < 1))
    levels = np.empty((len(frames), _BANDS), np.float32)
    for start in range(0, len(frames), 1024):
        power = np.abs(rfft(frames[start : start + 1024] * window, axis=1)) ** 2
        sums = np.add.reduceat(power, edges, axis=1)[:, :_BANDS]
        levels[start : start + len(power)] = 10 * np.log10(sums + 1e-6)
    mean = levels.mean(axis=1)
    return levels - mean[:, None], mean


def _by_step(curve: np.ndarray, rate_hz: float, step_s: float, count: int) -> np.ndarray:
    edges = np.round(np.arange(count + 1) * step_s * rate_hz).astype(int)
    edges = np.clip(edges, 0, len(curve))
    sums = np.vstack((np.zeros(curve.shape[1]), np.cumsum(curve, axis=0, dtype=np.float64)))
    return np.asarray((sums[edges[1:]] - sums[edges[:-1]]) / np.maximum(np.diff(edges), 1)[:, None])


def _novelty(likeness: np.ndarray, step_s: float) -> np.ndarray:
    """A checkerboard slid along the diagonal (Foote 2000): alike on either side, not across."""
    half = min(round(_HALF_S / step_s), len(likeness) // 4)
    taper = np.exp(-0.5 * ((np.arange(-half, half) + 0.5) / (half / 2)) ** 2)
    sign = np.sign(np.arange(-half, half) + 0.5)
    board = np.outer(taper * sign, taper * sign)
    padded = np.pad(likeness, half, mode="edge")
    values = [
        float((padded[at : at + 2 * half, at : at + 2 * half] * board).sum())
        for at in range(len(likeness))
    ]
    return np.maximum(np.array(values) / float(np.abs(board).sum()), 0)


def _turns(novelty: np.ndarray, step_s: float) -> list[int]:
    apart = max(1, round(_SHORTEST_S / step_s))
    peaks, _ = find_peaks(novelty, distance=apart, prominence=max(0.03, 0.15 * novelty.max()))
    last = len(novelty) - apart
    return [int(at) for at in peaks if apart <= at <= last]


def _on_downbeats(edges: list[float], beats: Beats) -> list[float]:
    """Turns within a second of a bar's beginning fall on it."""
    bars = np.array([beats.times_s[at] for at in beats.downbeats if at < len(beats.times_s)])
    if len(bars) == 0:
        return edges
    moved = []
    for edge in edges[1:-1]:
        nearest = float(bars[np.abs(bars - edge).argmin()])
        moved.append(nearest if abs(nearest - edge) <= 1.0 else edge)
    return [edges[0], *moved, edges[-1]]


def _labelled(described: np.ndarray, steps: np.ndarray) -> tuple[list[str], list[float]]:
    """A letter for each part: the letter of the part most like it, if that is like enough."""
    means = np.array([described[a:b].mean(axis=0) for a, b in pairwise(steps)])
    means = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)
    likeness = means @ means.T
    labels: list[int] = []
    sure: list[float] = []
    for at in range(len(means)):
        best = int(likeness[at, :at].argmax()) if at else -1
        like = float(likeness[at, best]) if at else 0.0
        known = best >= 0 and like >= _ALIKE
        labels.append(labels[best] if known else max(labels, default=-1) + 1)
        sure.append(float(np.clip(abs(like - _ALIKE) / (1 - _ALIKE), 0, 1)) if at else 0.5)
    return [_letter(label) for label in labels], sure


def _letter(number: int) -> str:
    """A to Z, then A2 to Z2, …"""
    again, at = divmod(number, len(_LABELS))
    return f"{_LABELS[at]}{again + 1 if again else ''}"


def _roles(labels: list[str], levels_db: list[float]) -> list[str | None]:
    """The loudest part that returns is called chorus, another that returns verse; quieter ends
    that never return intro and outro."""
    roles: list[str | None] = [None] * len(labels)
    apart = [label for label, _ in groupby(labels)]
    repeated = {label for label in apart if apart.count(label) > 1}
    loudness = {
        label: np.mean([db for one, db in zip(labels, levels_db, strict=True) if one == label])
        for label in repeated
    }
    order = sorted(loudness, key=lambda label: -loudness[label])
    names = dict(zip(order, ("chorus", "verse"), strict=False)) if len(order) > 1 else {}
    for at, label in enumerate(labels):
        roles[at] = names.get(label)
    mean = float(np.mean(levels_db))
    if len(labels) > 2:
        if roles[0] is None and levels_db[0] < mean:
            roles[0] = "intro"
        if roles[-1] is None and levels_db[-1] < mean:
            roles[-1] = "outro"
    return roles
