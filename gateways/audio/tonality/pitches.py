"""How strong each semitone is at each moment: the raw material of key, chords and sections."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.fft import rfft
from scipy.ndimage import uniform_filter1d

from gateways.audio.sound import Sound

RATE_HZ = 22_050
FRAME = 8192  # 2.7 Hz a bin: a semitone is 6 Hz at A2
HOP = 2048
FRAME_RATE_HZ = RATE_HZ / HOP
LOWEST_MIDI, SEMITONES = 33, 66  # A1 to D7
_STEPS = 5  # of a semitone
_FRAMES_AT_ONCE = 512
_BASS_BELOW_MIDI = 52


@dataclass(frozen=True)
class Pitches:
    """`strengths` (frames, SEMITONES), FRAME_RATE_HZ a second, the first LOWEST_MIDI; `cents` is
    how far the tuning lies from A = 440 Hz, -50..50."""

    strengths: np.ndarray
    cents: float

    @property
    def tuning_hz(self) -> float:
        return float(440 * 2 ** (self.cents / 1200))

    @cached_property
    def chroma(self) -> np.ndarray:
        """(frames, 12) from C, of all octaves."""
        return _folded(self.strengths, LOWEST_MIDI)

    @cached_property
    def bass(self) -> np.ndarray:
        """(frames, 12) from C, of what lies under E3."""
        return _folded(self.strengths[:, : _BASS_BELOW_MIDI - LOWEST_MIDI], LOWEST_MIDI)


def pitches(sound: Sound) -> Pitches:
    """Peaks of the spectrum on a log axis, whitened, in the sound's own tuning."""
    samples = np.pad(sound.at_22050, (FRAME // 2, FRAME // 2))
    frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME)[::HOP]
    fine = np.empty((len(frames), _AXIS.shape[1]), np.float32)
    for start in range(0, len(frames), _FRAMES_AT_ONCE):
        spectra = np.abs(rfft(frames[start : start + _FRAMES_AT_ONCE] * _WINDOW, axis=1))
        fine[start : start + len(spectra)] = spectra[:, : len(_AXIS)] @ _AXIS
    fine = _peaks(np.sqrt(fine))
    cents = _tuning_cents(fine)
    return Pitches(_in_semitones(fine, cents), cents)


def _peaks(levels: np.ndarray) -> np.ndarray:
    """Keeps what stands above its surroundings of a fifth: noise and drums lie flat."""
    around = uniform_filter1d(levels, size=7 * _STEPS, axis=1)
    above = np.maximum(levels - around, 0)
    scale = np.sqrt(uniform_filter1d(levels**2, size=24 * _STEPS, axis=1)) + 1e-6
    return above * (above / scale)


def _tuning_cents(fine: np.ndarray) -> float:
    """The phase of the fine steps within all semitones, as of one wave a semitone long."""
    by_step = fine.sum(axis=0, dtype=np.float64).reshape(-1, _STEPS).sum(axis=0)
    offsets = (np.arange(_STEPS) - _STEPS // 2) / _STEPS
    wave = complex(np.sum(by_step * np.exp(2j * np.pi * offsets)))
    return float(np.angle(wave) / (2 * np.pi) * 100) if abs(wave) > 0 else 0.0


def _in_semitones(fine: np.ndarray, cents: float) -> np.ndarray:
    """Each semitone gathers the steps around its tuned centre, the nearest most."""
    centres = (np.arange(SEMITONES) + 0.5) * _STEPS - 0.5 + cents / 100 * _STEPS
    distance = np.abs(np.arange(fine.shape[1])[:, None] - centres) / _STEPS
    return fine @ (np.clip(1 - 2 * distance, 0, None)).astype(np.float32)


def _folded(strengths: np.ndarray, first_midi: int) -> np.ndarray:
    folded = np.zeros((len(strengths), 12), np.float32)
    for column in range(strengths.shape[1]):
        folded[:, (first_midi + column) % 12] += strengths[:, column]
    return folded


def _axis() -> np.ndarray:
    """(bins, steps): triangles around each step, as wide as a step or a bin, whichever is more."""
    steps = LOWEST_MIDI - 0.5 + (np.arange(SEMITONES * _STEPS) + 0.5) / _STEPS
    centres = 440 * 2 ** ((steps - 69) / 12)
    bins = np.fft.rfftfreq(FRAME, 1 / RATE_HZ)[:, None]
    bins = bins[: int(np.searchsorted(bins[:, 0], centres[-1] * 1.02))]
    width = np.maximum(centres * (2 ** (1 / 12 / _STEPS) - 1), RATE_HZ / FRAME)
    weights = np.clip(1 - np.abs(bins - centres) / width, 0, None)
    return (weights / weights.sum(axis=0)).astype(np.float32)


_WINDOW = np.hanning(FRAME).astype(np.float32)
_AXIS = _axis()
