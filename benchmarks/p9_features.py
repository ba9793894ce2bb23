"""The features that the analyser and librosa both compute, in turns, on one thread.

`python -m benchmarks.p9_features WAV ROUNDS` prints JSON; a process of its own, for the threads of
numerical libraries are limited before they are loaded.
"""

from __future__ import annotations

import json
import sys
import time
import wave
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import librosa
import numpy as np

from gateways.audio.rhythm import AnalyserChoice, rhythm
from gateways.audio.sound import Sound
from gateways.audio.structure import sections
from gateways.audio.tonality import pitches, tonality

T = TypeVar("T")
RATE_HZ = 22_050
# What both compute of 44.1 kHz mono samples.
FEATURES = (
    "half rate",
    "onsets and centroid",
    "tempo and beats",
    "tuning, chroma, key",
    "sections",
)
_SECTIONS = 8
_KRUMHANSL = (
    (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
)


def ours(mono: np.ndarray, choice: AnalyserChoice) -> dict[str, float]:
    """Seconds of processor time for each of FEATURES."""
    sound, spent = Sound(mono), Spent()
    spent.on("half rate", lambda: sound.at_22050)
    spent.on("onsets and centroid", lambda: sound.texture)
    heard = spent.on("tuning, chroma, key", lambda: pitches(sound))
    beat = spent.on("tempo and beats", lambda: rhythm(sound, analyser=choice, heard=heard))
    spent.on("tuning, chroma, key", lambda: tonality(sound, heard=heard))
    spent.on("sections", lambda: sections(sound, beat.beats, heard=heard))
    return spent.seconds


def librosas(mono: np.ndarray) -> dict[str, float]:
    spent = Spent()
    samples = spent.on(
        "half rate", lambda: librosa.resample(mono, orig_sr=2 * RATE_HZ, target_sr=RATE_HZ)
    )
    spent.on("onsets and centroid", lambda: librosa.onset.onset_detect(y=samples, sr=RATE_HZ))
    spent.on(
        "onsets and centroid", lambda: librosa.feature.spectral_centroid(y=samples, sr=RATE_HZ)
    )
    spent.on("tempo and beats", lambda: librosa.beat.beat_track(y=samples, sr=RATE_HZ))
    chroma = spent.on(
        "tuning, chroma, key", lambda: librosa.feature.chroma_cqt(y=samples, sr=RATE_HZ)
    )
    spent.on("tuning, chroma, key", lambda: _key(chroma.mean(axis=1)))
    spent.on("sections", lambda: librosa.segment.agglomerative(chroma, _SECTIONS))
    return spent.seconds


class Spent:
    def __init__(self) -> None:
        self.seconds = dict.fromkeys(FEATURES, 0.0)

    def on(self, feature: str, work: Callable[[], T]) -> T:
        started = time.process_time()
        done = work()
        self.seconds[feature] += time.process_time() - started
        return done


def _key(chroma: np.ndarray) -> int:
    """librosa has none: the usual correlation with two profiles."""
    rows = [np.roll(mode, shift) for mode in _KRUMHANSL for shift in range(12)]
    return int(np.argmax([np.corrcoef(chroma, row)[0, 1] for row in rows]))


def main() -> None:
    mono, rounds = _samples(Path(sys.argv[1])), int(sys.argv[2])
    ours(mono, "auto"), ours(mono, "essentia"), librosas(mono)  # compiled and loaded
    found: dict[str, list[dict[str, float]]] = {"ours": [], "with essentia": [], "librosa": []}
    for _ in range(rounds):
        found["librosa"].append(librosas(mono))
        found["ours"].append(ours(mono, "auto"))
        found["with essentia"].append(ours(mono, "essentia"))
    print(json.dumps(found))


def _samples(path: Path) -> np.ndarray:
    with wave.open(str(path)) as file:
        frames = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return (frames.reshape(-1, file.getnchannels()).mean(axis=1) / 32768).astype(np.float32)


if __name__ == "__main__":
    main()
