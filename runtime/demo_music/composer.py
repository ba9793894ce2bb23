"""From a spec to stereo samples: plan bars, play them, add the room, master."""

from __future__ import annotations

import numpy as np
from scipy.signal import butter, fftconvolve, sosfilt

from gateways.audio.keys import NOTES
from gateways.audio.loudness import LoudnessMeter
from runtime.demo_music.instruments import SAMPLE_RATE_HZ, drum, note
from runtime.demo_music.styles import STYLES, Style
from runtime.demo_music.tracks import TrackSpec

_STEPS = 16
_HIT = {"X": 1.0, "x": 0.72, "o": 0.4}
_SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
_CEILING = 0.89  # -1 dBFS
# Which tone of the chord a melody's step takes: mostly root and third, which make the key plain;
# None is the step above the root, in passing.
_MELODY_TONES = (0, 1, 0, 1, 2, None)


def compose(spec: TrackSpec) -> np.ndarray:
    """Float32 samples (n, 2) at 44.1 kHz, the same for the same spec."""
    player = _Player(spec)
    for bar in range(player.bars):
        player.play(bar)
    return player.mixed()


class _Player:
    def __init__(self, spec: TrackSpec) -> None:
        self.spec = spec
        self.style: Style = STYLES[spec.style]
        self.random = np.random.default_rng(spec.seed)
        self.step_s = 60 / spec.tempo_bpm / 4
        self.bars = max(2, int(np.ceil(spec.duration_s / (self.step_s * _STEPS))))
        self.length = int(spec.duration_s * SAMPLE_RATE_HZ)
        shape = (self.length + 4 * SAMPLE_RATE_HZ, 2)
        self.drums, self.music = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        tonic, mode = spec.key.split()
        self.tonic = NOTES.index(tonic)
        self.scale = _SCALES[mode]
        self.mode = mode
        self.progression = self.style.major if mode == "major" else self.style.minor
        self.kicks: list[int] = []
        self.motif = self.random.integers(0, len(_MELODY_TONES), _STEPS)

    def play(self, bar: int) -> None:
        """One bar. The first two bars lack the low end, one in eight is a fill of melody."""
        degree = self.progression[bar % len(self.progression)]
        if bar == self.bars - 1:
            degree = 1
        self._play_drums(bar, without=("kick", "softkick") if bar == 0 else ())
        self._play_chords(bar, degree)
        if bar >= 1:
            self._play_bass(bar, degree)
        if bar >= 2 and bar % 8 != 7:
            self._play_melody(bar, degree)

    def mixed(self) -> np.ndarray:
        music = self.music * self._ducking()[:, None] if self.style.pump else self.music
        mix = self.drums + music + self.style.reverb * self._room(music + 0.15 * self.drums)
        if self.style.crackle:
            pops = self.random.random(mix.shape) > 0.9996
            mix += self.style.crackle * self.random.normal(0, 0.2, mix.shape) + 0.05 * pops
        mix = mix[: self.length]
        mix = sosfilt(butter(2, 28, "highpass", fs=SAMPLE_RATE_HZ, output="sos"), mix, axis=0)
        return self._faded(self._mastered(mix)).astype(np.float32)

    def _start(self, bar: int, step: int) -> int:
        swing = self.style.swing * self.step_s if step % 4 == 2 else 0.0
        return int(((bar * _STEPS + step) * self.step_s + swing) * SAMPLE_RATE_HZ)

    def _add(self, bus: np.ndarray, sound: np.ndarray, at: int, level: float, pan: float) -> None:
        """`pan` -1 left .. 1 right, at constant power."""
        sound = sound[: max(0, len(bus) - at)]
        angle = (pan + 1) * np.pi / 4
        bus[at : at + len(sound), 0] += level * np.cos(angle) * sound
        bus[at : at + len(sound), 1] += level * np.sin(angle) * sound

    def _play_drums(self, bar: int, without: tuple[str, ...]) -> None:
        for index, (name, (patterns, level)) in enumerate(self.style.drums.items()):
            if name in without:
                continue
            pan = 0.0 if index < 2 else (-0.3 if index % 2 else 0.3)
            for step, mark in enumerate(patterns[bar % len(patterns)]):
                if mark in _HIT:
                    at = self._start(bar, step)
                    human = 1 + self.random.uniform(-0.06, 0.06)
                    self._add(self.drums, drum(name), at, level * _HIT[mark] * human, pan)
                    if name in ("kick", "softkick"):
                        self.kicks.append(at)

    def _chord(self, degree: int) -> list[int]:
        """Semitones above the tonic; V of a minor key has its third raised."""
        steps = (0, 2, 4, 6) if self.style.sevenths else (0, 2, 4)
        tones = [self._degree(degree - 1 + step) for step in steps]
        if self.mode == "minor" and degree == 5:
            tones[1] += 1
        return tones

    def _degree(self, index: int) -> int:
        return self.scale[index % 7] + 12 * (index // 7)

    def _attacks(self, pattern: str) -> list[tuple[int, int, float]]:
        """(step, length in steps, strength) of each note, held until the next."""
        starts = [step for step, mark in enumerate(pattern) if mark in _HIT]
        ends = [*starts[1:], _STEPS]
        return [
            (start, end - start, _HIT[pattern[start]])
            for start, end in zip(starts, ends, strict=True)
        ]

    def _sound(self, voice: str, midi: int, steps: float) -> np.ndarray:
        return note(voice, midi, round(steps * self.step_s * 1.02, 3))

    def _play_chords(self, bar: int, degree: int) -> None:
        voice, pattern, level = self.style.chords
        for step, steps, strength in self._attacks(pattern):
            for index, tone in enumerate(self._chord(degree)):
                midi = 48 + (self.tonic + tone - 5) % 12 + 5  # one close position, F3..E4
                strum = int(0.011 * SAMPLE_RATE_HZ) * index if voice == "guitar" else 0
                at = self._start(bar, step) + strum
                pan = (-0.5, 0.5, -0.15, 0.2)[index]
                self._add(self.music, self._sound(voice, midi, steps), at, level * strength, pan)

    def _play_bass(self, bar: int, degree: int) -> None:
        voice, pattern, level = self.style.bass
        tones = self._chord(degree)
        for count, (step, steps, strength) in enumerate(self._attacks(pattern)):
            tone = tones[2] if count % 4 == 3 and bar % 2 else tones[0]
            midi = 33 + (self.tonic + tone - 9) % 12
            sound = self._sound(voice, midi, min(steps, 6))
            self._add(self.music, sound, self._start(bar, step), level * strength, 0.0)

    def _play_melody(self, bar: int, degree: int) -> None:
        voice, pattern, level = self.style.melody
        tones = self._chord(degree)
        for step, steps, strength in self._attacks(pattern):
            choice = _MELODY_TONES[self.motif[step]]
            passing = choice is None and step % 4 != 0
            tone = self._degree(degree) if passing else tones[choice or 0]
            midi = 64 + (self.tonic + tone - 4) % 12
            at = self._start(bar, step)
            sound = self._sound(voice, midi, min(steps, 6))
            self._add(self.music, sound, at, level * strength, 0.12)
            echo = at + int(3 * self.step_s * SAMPLE_RATE_HZ)
            self._add(self.music, sound, echo, 0.28 * level * strength, -0.5)

    def _ducking(self) -> np.ndarray:
        dip = self.style.pump * np.exp(
            -np.arange(int(0.3 * SAMPLE_RATE_HZ)) / (0.09 * SAMPLE_RATE_HZ)
        )
        gain = np.ones(len(self.music), np.float32)
        for at in self.kicks:
            end = min(len(gain), at + len(dip))
            gain[at:end] = np.minimum(gain[at:end], 1 - dip[: end - at])
        return gain

    def _room(self, dry: np.ndarray) -> np.ndarray:
        """A room of 1.4 s: decaying noise, different on each side."""
        length = int(1.4 * SAMPLE_RATE_HZ)
        decay = np.exp(-np.arange(length) / (0.32 * SAMPLE_RATE_HZ))[:, None]
        noise = np.random.default_rng(11).normal(0, 1, (length, 2)) * decay
        noise = sosfilt(
            butter(1, (250, 6000), "bandpass", fs=SAMPLE_RATE_HZ, output="sos"), noise, axis=0
        )
        noise /= np.sqrt((noise**2).sum(axis=0))
        room = fftconvolve(dry, noise.astype(np.float32), axes=0)[: len(dry)]
        return room.astype(np.float32)

    def _mastered(self, mix: np.ndarray) -> np.ndarray:
        """Twice to the style's loudness: the soft clipping of the first pass changes it."""
        for _ in range(2):
            meter = LoudnessMeter(SAMPLE_RATE_HZ, 2)
            meter.feed(mix)
            gain = 10 ** ((self.style.loudness_lufs - (meter.integrated_lufs() or -30)) / 20)
            mix = _CEILING * np.tanh(mix * gain / _CEILING)
        return mix

    def _faded(self, mix: np.ndarray) -> np.ndarray:
        fade = min(len(mix), int(0.6 * SAMPLE_RATE_HZ))
        mix[-fade:] *= np.linspace(1, 0, fade)[:, None] ** 1.5
        return mix
