"""Which tempo it is: first which repeats belong together, then which octave of them is the beat.

Two softmax regressions with ridge, with and without a network that hears beats; learned on 143
tracks of nine sets by `benchmarks/tempo_weights.py`; docs/listening.md has what they gave on halves
they had not seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gateways.audio.rhythm.estimators import Adviser
from gateways.audio.rhythm.onsets import Onsets, evened
from gateways.audio.rhythm.repeats import FASTEST_BPM, SLOWEST_BPM, Repeats

SAME = 0.04  # tempos this close are one: the tolerance of the MIREX task
_RATIOS = (1.0, 0.5, 2.0, 2 / 3, 1.5, 1 / 3, 3.0, 0.75, 4 / 3)
_OCTAVES = (1.0, 0.5, 2.0, 1 / 3, 3.0)


@dataclass(frozen=True)
class Weights:
    """`family`: of octaves from 120, that squared, repeats at the beat, at its first four
    multiples, in the bass, in the treble, at half a beat, at two beats; `octave`: of that sum,
    octaves from 120, that squared, and whether the adviser says so. `Evidence.of_beats` at the end
    of both, where a network has listened."""

    family: np.ndarray
    octave: dict[Adviser, np.ndarray]


BY_ATTACKS = Weights(
    np.array([0.93, -2.59, 2.79, 5.57, -0.61, 2.69, 2.40, -0.50]),
    {
        "sonara": np.array([0.42, -0.11, -0.97, 1.08]),
        "essentia": np.array([0.41, -0.04, -0.69, 1.23]),
    },
)
BY_BEATS = Weights(
    np.array([0.82, -2.01, 1.57, 2.97, -0.71, 1.92, 1.27, -1.42, 3.65, 1.99, -0.71]),
    {
        "sonara": np.array([0.4, 0.36, -0.72, 0.93, 1.68, 1.93, -0.48]),
        "essentia": np.array([0.4, 0.35, -0.61, 0.91, 1.44, 1.95, -0.43]),
    },
)


@dataclass(frozen=True)
class Candidate:
    bpm: float
    share: float  # of belief, 0..1; all candidates together 1


class Evidence:
    """Weighs each tempo by the attacks, and by a network that hears beats."""

    def __init__(self, attacks: Onsets, heard_beats: np.ndarray | None = None) -> None:
        """`heard_beats`: a network's opinion per frame of `attacks`, where one has listened."""
        self._beats = Repeats(heard_beats) if heard_beats is not None else None
        self._every = Repeats(attacks.even)
        self._low, self._high = Repeats(evened(attacks.low)), Repeats(evened(attacks.high))

    def candidates_bpm(self, advised_bpm: float) -> list[float]:
        """The advice, every strong repeat, and their simple multiples; each once."""
        sources = [advised_bpm, *self._every.peaks_bpm()]
        wanted: list[float] = []
        for ratio in _RATIOS:
            for bpm in (source * ratio for source in sources):
                inside = SLOWEST_BPM <= bpm <= FASTEST_BPM
                if inside and not any(same_tempo(bpm, other) for other in wanted):
                    wanted.append(bpm)
        return wanted

    @property
    def weights(self) -> Weights:
        return BY_ATTACKS if self._beats is None else BY_BEATS

    def of_beats(self, bpm: float) -> list[float]:
        """Repeats of the heard beats at the first four multiples, at the beat, at half of it."""
        if self._beats is None:
            return []
        return [self._beats.comb(bpm), self._beats.at(60 / bpm), self._beats.at(30 / bpm)]

    def features(self, bpm: float) -> np.ndarray:
        """As `weights.family` weighs them."""
        octaves, beat_s = np.log2(bpm / 120), 60 / bpm
        return np.array([
            octaves, octaves**2, self._every.at(beat_s), self._every.comb(bpm),
            self._low.at(beat_s), self._high.at(beat_s), self._every.at(beat_s / 2),
            self._every.at(beat_s * 2), *self.of_beats(bpm),
        ])  # fmt: skip


def same_tempo(one_bpm: float, other_bpm: float) -> bool:
    return abs(one_bpm / other_bpm - 1) <= SAME


def ranked(evidence: Evidence, advised_bpm: float, adviser: Adviser) -> list[Candidate]:
    """The surest first, all octaves (or thirds) of each other; empty where nothing repeats."""
    tempos = evidence.candidates_bpm(advised_bpm)
    if not tempos:
        return []
    sums = {bpm: float(evidence.features(bpm) @ evidence.weights.family) for bpm in tempos}
    leader = max(tempos, key=sums.__getitem__)
    family = same_family(tempos, leader)
    rows = [
        [*octave_features(bpm, sums[bpm], advised_bpm), *evidence.of_beats(bpm)] for bpm in family
    ]
    scores = np.array(rows) @ evidence.weights.octave[adviser]
    shares = np.exp(scores - scores.max())
    shares /= shares.sum()
    return [Candidate(family[at], float(shares[at])) for at in np.argsort(-shares)]


def same_family(tempos: list[float], leader_bpm: float) -> list[float]:
    """Those that are the leader, its double, triple, half or third."""
    return [bpm for bpm in tempos if any(same_tempo(bpm, leader_bpm * by) for by in _OCTAVES)]


def octave_features(bpm: float, family_sum: float, advised_bpm: float) -> list[float]:
    """As `Weights.octave` weighs them, less those of the heard beats."""
    octaves = float(np.log2(bpm / 120))
    return [family_sum, octaves, octaves**2, float(same_tempo(advised_bpm, bpm))]
