"""Learns the weights of `gateways/audio/rhythm/choice.py` from tracks of known tempo.

`python -m benchmarks.tempo_weights FOLDER TRUTH.csv [--attacks-only]`: prints Acc1 and Acc2 on
halves not learned from, and the weights learned from all. Two softmax regressions, ridge of 2.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from gateways.audio.decode import Blocks, Decoder
from gateways.audio.neural.beats import BeatNetwork
from gateways.audio.rhythm.choice import Evidence, octave_features, same_family, same_tempo
from gateways.audio.rhythm.estimators import advised_bpm
from gateways.audio.rhythm.measure import heard_beats
from gateways.audio.rhythm.onsets import onsets
from gateways.audio.sound import SAMPLE_RATE_HZ, Sound
from runtime.evaluate.scores import tempo_right_but_octave
from runtime.evaluate.truth import read_truth

RIDGE = 2.0
SPLITS = 5
HEARD_S = 60


@dataclass(frozen=True)
class Track:
    true_bpm: float
    advised_bpm: float
    tempos: list[float]
    features: np.ndarray  # (tempos, features of the family)
    of_beats: list[list[float]]  # of each tempo; empty lists without the network


@dataclass(frozen=True)
class Case:
    """One softmax: rows of features, and which of them are right."""

    rows: np.ndarray
    right: np.ndarray


def main() -> None:
    truth = read_truth(Path(sys.argv[2]), Path(sys.argv[1]))
    network = None if "--attacks-only" in sys.argv else BeatNetwork()
    tracks = [_track(one.path, one.tempo_bpm, network) for one in truth.answers if one.tempo_bpm]
    hits: list[tuple[bool, bool]] = []
    for seed in range(SPLITS):
        order = np.random.default_rng(seed).permutation(len(tracks))
        halves = [[tracks[at] for at in half] for half in np.array_split(order, 2)]
        for learned, unseen in (halves, halves[::-1]):
            hits += [_hit(track, *_learn(learned)) for track in unseen]
    print(f"unseen halves of {len(tracks)} tracks: Acc1, Acc2 =", np.mean(hits, axis=0).round(3))
    family, octave = _learn(tracks)
    print("family", family.round(2).tolist(), "octave", octave.round(2).tolist())


def _track(path: Path, true_bpm: float, network: BeatNetwork | None) -> Track:
    with path.open("rb") as file:
        blocks, parts, held = Blocks(Decoder(file), SAMPLE_RATE_HZ), [], 0
        for block in blocks:
            parts.append(block.mean(axis=1))
            held += len(block)
            if held > HEARD_S * SAMPLE_RATE_HZ:
                break
    sound = Sound(np.concatenate(parts))
    attacks = onsets(sound)
    evidence = Evidence(attacks, heard_beats(sound, attacks, network) if network else None)
    advice = advised_bpm(sound, "sonara")
    tempos = evidence.candidates_bpm(advice)
    rows = np.array([evidence.features(bpm) for bpm in tempos])
    return Track(true_bpm, advice, tempos, rows, [evidence.of_beats(bpm) for bpm in tempos])


def _learn(tracks: list[Track]) -> tuple[np.ndarray, np.ndarray]:
    family = _fit([_case(track.features, track.tempos, track) for track in tracks])
    octave = _fit([_octave_case(track, family)[0] for track in tracks])
    return family, octave


def _case(rows: np.ndarray, tempos: list[float], track: Track) -> Case:
    return Case(rows, np.array([same_tempo(bpm, track.true_bpm) for bpm in tempos]))


def _octave_case(track: Track, family: np.ndarray) -> tuple[Case, list[float]]:
    sums = dict(zip(track.tempos, track.features @ family, strict=True))
    tempos = same_family(track.tempos, max(track.tempos, key=sums.__getitem__))
    beats = dict(zip(track.tempos, track.of_beats, strict=True))
    rows = [[*octave_features(bpm, sums[bpm], track.advised_bpm), *beats[bpm]] for bpm in tempos]
    return _case(np.array(rows), tempos, track), tempos


def _hit(track: Track, family: np.ndarray, octave: np.ndarray) -> tuple[bool, bool]:
    case, tempos = _octave_case(track, family)
    best = tempos[int((case.rows @ octave).argmax())]
    return same_tempo(best, track.true_bpm), tempo_right_but_octave(best, track.true_bpm)


def _fit(cases: list[Case]) -> np.ndarray:
    """Weights of the features as they are; the ridge is on standardised ones."""
    cases = [case for case in cases if case.right.any()]
    scale = np.concatenate([case.rows for case in cases]).std(axis=0) + 1e-6

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        total, slope = RIDGE * float(weights @ weights), 2 * RIDGE * weights
        for case in cases:
            rows = case.rows / scale
            scores = rows @ weights
            shares = np.exp(scores - scores.max())
            shares /= shares.sum()
            of_right = np.where(case.right, shares, 0) / shares[case.right].sum()
            total -= float(np.log(shares[case.right].sum()))
            slope = slope + rows.T @ (shares - of_right)
        return total, slope

    start = np.zeros(cases[0].rows.shape[1])
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B").x / scale)


if __name__ == "__main__":
    main()
