"""Single sounds: float32 mono arrays at 44.1 kHz, about full scale, made with numpy and scipy."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.signal import butter, lfilter, sosfilt

SAMPLE_RATE_HZ = 44_100


def _time(duration_s: float) -> np.ndarray:
    return np.arange(int(duration_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ


def _noise(duration_s: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, len(_time(duration_s)))


def _filtered(sound: np.ndarray, kind: str, hz: float | tuple[float, float]) -> np.ndarray:
    return sosfilt(butter(2, hz, kind, fs=SAMPLE_RATE_HZ, output="sos"), sound)


def _shaped(sound: np.ndarray, attack_s: float, release_s: float) -> np.ndarray:
    """Without clicks: a rise at the beginning, a fall at the end."""
    rise = min(len(sound), max(1, int(attack_s * SAMPLE_RATE_HZ)))
    fall = min(len(sound), max(1, int(release_s * SAMPLE_RATE_HZ)))
    shaped = sound.astype(np.float32)
    shaped[:rise] *= np.linspace(0, 1, rise, dtype=np.float32)
    shaped[-fall:] *= np.linspace(1, 0, fall, dtype=np.float32) ** 2
    return shaped


def pitch_hz(midi: float) -> float:
    return 440.0 * 2 ** ((midi - 69) / 12)


@lru_cache(maxsize=4096)
def drum(name: str) -> np.ndarray:
    """kick, softkick, snare, rim, clap, hat, openhat, shaker, conga, brush."""
    return _DRUMS[name]()


def _kick(drop_hz: float = 130.0, length_s: float = 0.32) -> np.ndarray:
    t = _time(length_s)
    phase = 2 * np.pi * (48 * t + drop_hz / 28 * (1 - np.exp(-28 * t)))
    click = _noise(length_s, 1) * np.exp(-t * 400) * 0.4
    return _shaped(np.tanh(1.6 * np.sin(phase) * np.exp(-t * 9)) + click, 0.001, 0.05)


def _snare() -> np.ndarray:
    t = _time(0.24)
    body = np.sin(2 * np.pi * 186 * t) * np.exp(-t * 26)
    wires = _filtered(_noise(0.24, 2), "bandpass", (1200, 9000)) * np.exp(-t * 17)
    return _shaped(0.6 * body + 1.1 * wires, 0.001, 0.04)


def _clap() -> np.ndarray:
    t = _time(0.26)
    bursts = sum(np.where(t >= at, np.exp(-(t - at) * 90), 0) for at in (0, 0.011, 0.022))
    tail = np.exp(-t * 16) * 0.5
    return _shaped(
        _filtered(_noise(0.26, 3), "bandpass", (900, 5200)) * (bursts + tail), 0.001, 0.05
    )


def _hat(decay: float, length_s: float, low_hz: float = 7000) -> np.ndarray:
    t = _time(length_s)
    return _shaped(
        _filtered(_noise(length_s, 4), "highpass", low_hz) * np.exp(-t * decay), 0.0005, 0.02
    )


def _rim() -> np.ndarray:
    t = _time(0.07)
    return _shaped(
        (np.sin(2 * np.pi * 1720 * t) + 0.6 * np.sin(2 * np.pi * 905 * t)) * np.exp(-t * 75),
        0.0005,
        0.02,
    )


def _conga() -> np.ndarray:
    t = _time(0.22)
    return _shaped(
        np.sin(2 * np.pi * (232 * t + 1.1 * (1 - np.exp(-40 * t)))) * np.exp(-t * 19), 0.001, 0.04
    )


def _brush() -> np.ndarray:
    t = _time(0.2)
    return _shaped(
        _filtered(_noise(0.2, 6), "bandpass", (2500, 8000)) * np.exp(-t * 20), 0.006, 0.05
    )


_DRUMS = {
    "kick": _kick,
    "softkick": lambda: _filtered(_kick(80, 0.26), "lowpass", 900).astype(np.float32),
    "snare": _snare,
    "rim": _rim,
    "clap": _clap,
    "hat": lambda: _hat(70, 0.07),
    "openhat": lambda: _hat(13, 0.24, 6000),
    "shaker": lambda: _hat(45, 0.09, 4500),
    "conga": _conga,
    "brush": _brush,
}  # fmt: skip


@lru_cache(maxsize=4096)
def note(voice: str, midi: int, duration_s: float) -> np.ndarray:
    """One note of a voice: sub, bass, reese, pluck, guitar, piano, epiano, pad, strings, lead,
    organ. Lengths are rounded by the caller so that the cache is of use."""
    return _VOICES[voice](pitch_hz(midi), duration_s)


def _saw(hz: float, t: np.ndarray, phase: float = 0.0) -> np.ndarray:
    return 2 * ((hz * t + phase) % 1) - 1


def _sub(hz: float, duration_s: float) -> np.ndarray:
    t = _time(duration_s)
    glide = hz * t + hz * 0.4 / 60 * (1 - np.exp(-60 * t))
    return _shaped(np.tanh(2.2 * np.sin(2 * np.pi * glide) * np.exp(-t * 1.2)), 0.004, 0.08)


def _bass(hz: float, duration_s: float) -> np.ndarray:
    t = _time(duration_s)
    sound = _filtered(_saw(hz, t) + 0.7 * np.sin(2 * np.pi * hz * t), "lowpass", min(4 * hz, 420))
    return _shaped(1.25 * sound * np.exp(-t * 2.5), 0.004, 0.03)


def _reese(hz: float, duration_s: float) -> np.ndarray:
    t = _time(duration_s)
    detuned = _saw(hz * 0.994, t) + _saw(hz * 1.006, t, 0.3) + np.sin(2 * np.pi * hz * t)
    return _shaped(0.55 * _filtered(detuned, "lowpass", 520), 0.01, 0.05)


def _pluck(hz: float, duration_s: float) -> np.ndarray:
    t = _time(duration_s)
    partials = sum(
        np.sin(2 * np.pi * hz * k * t) * np.exp(-t * (4 + 3 * k)) / k for k in (1, 2, 3, 4, 5)
    )
    return _shaped(0.7 * partials, 0.002, 0.03)


def _guitar(hz: float, duration_s: float) -> np.ndarray:
    """Karplus-Strong: a burst of noise in a damped loop one period long."""
    period = int(SAMPLE_RATE_HZ / hz)
    burst = np.zeros(len(_time(duration_s)))
    burst[:period] = _filtered(_noise(0.1, period)[:period], "lowpass", 1800)
    # The two taps put the delay between whole samples, where the pitch really is.
    share = SAMPLE_RATE_HZ / hz - period
    loop = np.zeros(period + 2)
    loop[0], loop[period], loop[period + 1] = 1, -0.996 * (1 - share), -0.996 * share
    return _shaped(1.4 * lfilter([1.0], loop, burst), 0.001, 0.05)


def _piano(hz: float, duration_s: float) -> np.ndarray:
    t = _time(duration_s)
    partials = sum(
        np.sin(2 * np.pi * hz * k * np.sqrt(1 + 0.0004 * k * k) * t)
        * np.exp(-t * (0.9 + 0.7 * k))
        / k**1.3
        for k in range(1, 8)
    )
    return _shaped(0.6 * partials, 0.003, 0.12)


def _epiano(hz: float, duration_s: float) -> np.ndarray:
    t = _time(duration_s)
    tine = np.sin(2 * np.pi * hz * 14 * t) * np.exp(-t * 18) * 0.35
    bell = np.sin(2 * np.pi * hz * t) * np.exp(-t * 3) * 1.4
    tremolo = 1 + 0.12 * np.sin(2 * np.pi * 4.6 * t)
    return _shaped(
        np.sin(2 * np.pi * hz * t + bell + tine) * np.exp(-t * 1.5) * tremolo, 0.004, 0.12
    )


def _pad(hz: float, duration_s: float) -> np.ndarray:
    t = _time(duration_s)
    saws = (_saw(hz * (1 + cents / 1200), t, 0.37 * i) for i, cents in enumerate((-7, 0, 6)))
    sound = sum(saws, np.zeros_like(t))
    return _shaped(0.35 * _filtered(sound, "lowpass", 1900), 0.12, 0.25)


def _strings(hz: float, duration_s: float) -> np.ndarray:
    t = _time(duration_s)
    wave = t + 0.0009 * np.sin(2 * np.pi * 5.1 * t) / 5.1
    sound = _saw(hz, wave) + _saw(hz * 1.004, wave, 0.4)
    return _shaped(0.4 * _filtered(sound, "lowpass", 2600), 0.18, 0.3)


def _lead(hz: float, duration_s: float) -> np.ndarray:
    t = _time(duration_s)
    vibrato = hz * (
        t + 0.004 * np.minimum(1, t * 3) * (1 - np.cos(2 * np.pi * 5.5 * t)) / (2 * np.pi * 5.5)
    )
    odds = (np.sin(2 * np.pi * k * vibrato) / k for k in (1, 3, 5, 7))
    odd = sum(odds, np.zeros_like(t))
    return _shaped(0.7 * odd * np.exp(-t * 0.8), 0.012, 0.06)


def _organ(hz: float, duration_s: float) -> np.ndarray:
    t = _time(duration_s)
    pipes = (np.sin(2 * np.pi * hz * k * t) / k for k in (1, 2, 3, 4, 8))
    return _shaped(0.5 * sum(pipes, np.zeros_like(t)), 0.008, 0.04)


_VOICES = {
    "sub": _sub,
    "bass": _bass,
    "reese": _reese,
    "pluck": _pluck,
    "guitar": _guitar,
    "piano": _piano,
    "epiano": _epiano,
    "pad": _pad,
    "strings": _strings,
    "lead": _lead,
    "organ": _organ,
}
