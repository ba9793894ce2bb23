"""Everything that one recording is heard with, set up once. Runs in the limited child only."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gateways.audio.fingerprint import fingerprint
from gateways.audio.mood import mood
from gateways.audio.neural.beats import BeatNetwork
from gateways.audio.neural.heard import Heard
from gateways.audio.neural.listen import Listener
from gateways.audio.rhythm import AnalyserChoice, Rhythm, rhythm
from gateways.audio.sound import SAMPLE_RATE_HZ, Sound
from gateways.audio.structure import sections
from gateways.audio.texture import Texture
from gateways.audio.tonality import Tonality, pitches, tonality
from schemas.audio.report import Figure, Sections

NO_MODELS = "neural models are switched off: no genre, no instruments, no voices"


@dataclass(frozen=True)
class Music:
    """The analysers' answers for one sound; `heard` is None without neural models."""

    rhythm: Rhythm
    tonality: Tonality
    sections: Sections
    mood: dict[str, Figure]
    texture: Texture
    fingerprint: str | None
    heard: Heard | None
    degraded: tuple[str, ...]


@dataclass
class Timings:
    """Seconds of wall time by name."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = round(
                self.seconds.get(name, 0.0) + time.perf_counter() - started, 3
            )


class Ear:
    """Loads what it needs when it is made; after `warm_up` it opens no file and imports nothing."""

    def __init__(
        self,
        analyser: AnalyserChoice = "auto",
        *,
        models: bool = True,
        models_dir: str | None = None,
        models_wanted: Sequence[str] = (),
    ) -> None:
        if analyser not in ("auto", "essentia"):
            raise ValueError(f"there is no analyser {analyser!r}")
        self._analyser = analyser
        self._network = BeatNetwork() if models else None
        self._listener = (
            Listener(Path(models_dir) if models_dir else None, models_wanted) if models else None
        )

    def warm_up(self) -> None:
        """Listen to eight seconds of clicks on a chord."""
        t = np.arange(8 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
        notes_hz = np.array([[220.0], [277.2], [329.6]])
        chord = np.sin(2 * np.pi * notes_hz * t).sum(axis=0) / 10
        chord[:: SAMPLE_RATE_HZ // 2] = 0.9
        self.listen(Sound(chord.astype(np.float32)), Timings())

    def listen(self, sound: Sound, timings: Timings) -> Music:
        """Analyses a sound that is not silent; one that is short gets fewer answers."""
        with timings.of("texture"):
            spectrum = sound.texture
        with timings.of("pitches"):
            tones = pitches(sound)
        with timings.of("rhythm"):
            beat = rhythm(sound, analyser=self._analyser, heard=tones, network=self._network)
        with timings.of("tonality"):
            tones_of = tonality(sound, heard=tones, beats_s=beat.beats.times_s)
        with timings.of("sections"):
            parts = sections(sound, beat.beats, heard=tones)
        del tones
        with timings.of("mood"):
            feeling = mood(sound, has_attacks=beat.tempo.value is not None)
        with timings.of("fingerprint"):
            print_of = fingerprint(sound)
        sound.forget("at_22050")
        heard = None
        if self._listener is not None:
            with timings.of("neural"):
                heard = self._listener.listen(sound, **_known(beat))
        degraded = (*beat.degraded, *tones_of.degraded, *(heard.degraded if heard else ()))
        if heard is None:
            degraded += (NO_MODELS,)
        return Music(
            beat,
            tones_of,
            parts,
            feeling,
            spectrum,
            print_of,
            heard,
            tuple(dict.fromkeys(degraded)),
        )


def _known(beat: Rhythm) -> dict[str, Any]:
    bpm = beat.tempo.value
    return {"tempo_bpm": bpm if isinstance(bpm, float) else None}
