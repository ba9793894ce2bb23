"""Which of the tempos that are in question is the one: a weighed sum, learned on known answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gateways.audio.rhythm.estimators import Opinion
from gateways.audio.rhythm.onsets import Onsets
from gateways.audio.rhythm.repeats import FASTEST_BPM, SLOWEST_BPM, Repeats

SAME = 0.04  # tempos this close are one (the tolerance of the MIREX task)
_RATIOS = (1.0, 0.5, 2.0, 2 / 3, 1.5, 1 / 3, 3.0, 0.75, 4 / 3)


@dataclass(frozen=True)
class Candidate:
    bpm: float
    share: float  # of belief, 0..1; all candidates together 1


FEATURES = (
    "octaves from 120", "squared", "repeats", "at half", "at double", "at third", "comb",
    "low repeats", "high repeats", "low at double", "sonara", "percival", "multifeature",
)  # fmt: skip
WEIGHTS = np.array([0.0, -1.5, 2.0, 0.0, 0.0, 0.0, 2.0, 0.5, 0.5, 0.0, 0.8, 0.8, 1.6])


class Evidence:
    """What speaks for and against each tempo."""

    def __init__(self, attacks: Onsets, heard: list[Opinion]) -> None:
        self._every = Repeats(attacks.even)
        self._low, self._high = Repeats(attacks.low), Repeats(attacks.high)
        self._heard = heard

    def candidates_bpm(self) -> list[float]:
        """Every opinion and every strong repeat, with their simple multiples; each once."""
        sources = [one.bpm for one in self._heard] + self._every.peaks_bpm()
        wanted: list[float] = []
        for ratio in _RATIOS:
            for bpm in (source * ratio for source in sources):
                inside = SLOWEST_BPM <= bpm <= FASTEST_BPM
                if inside and not any(same_tempo(bpm, other) for other in wanted):
                    wanted.append(bpm)
        return wanted

    def features(self, bpm: float) -> np.ndarray:
        octaves = np.log2(bpm / 120)
        every, beat_s = self._every.at, 60 / bpm
        said = [
            float(any(one.by == name and same_tempo(one.bpm, bpm) for one in self._heard))
            for name in ("sonara", "percival", "multifeature")
        ]
        return np.array([
            octaves, octaves**2, every(beat_s), every(beat_s / 2), every(beat_s * 2),
            every(beat_s / 3), self._every.comb(bpm), self._low.at(beat_s),
            self._high.at(beat_s), self._low.at(beat_s * 2), *said,
        ])  # fmt: skip


def same_tempo(one_bpm: float, other_bpm: float) -> bool:
    return abs(one_bpm / other_bpm - 1) <= SAME


def ranked(evidence: Evidence) -> list[Candidate]:
    """The surest first; empty where nothing repeats at any tempo."""
    tempos = evidence.candidates_bpm()
    if not tempos:
        return []
    scores = np.array([evidence.features(bpm) @ WEIGHTS for bpm in tempos])
    shares = np.exp(scores - scores.max())
    shares /= shares.sum()
    order = np.argsort(-shares)
    return [Candidate(tempos[at], float(shares[at])) for at in order]
