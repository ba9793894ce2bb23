"""Loudness and true peak on signals with stated answers, in the manner of EBU Tech 3341."""

from __future__ import annotations

import numpy as np
import pyloudnorm
import pytest

from gateways.audio.loudness import LoudnessMeter, TruePeakMeter
from tests.fixtures.audio_corpus import RATE, tone


def _lufs(samples: np.ndarray, block: int = RATE) -> float | None:
    meter = LoudnessMeter(RATE, samples.shape[1])
    for start in range(0, len(samples), block):
        meter.feed(samples[start : start + block])
    return meter.integrated_lufs()


def _dbtp(samples: np.ndarray, block: int = RATE) -> float | None:
    meter = TruePeakMeter(48_000, samples.shape[1])
    for start in range(0, len(samples), block):
        meter.feed(samples[start : start + block])
    return meter.finish_dbtp()


def _steps(*parts: tuple[float, float]) -> np.ndarray:
    """Stereo 1 kHz at (dBFS, seconds) one after the other."""
    return np.vstack([tone(length_s, 1000, 10 ** (dbfs / 20)) for dbfs, length_s in parts])


@pytest.mark.parametrize(
    ("signal", "lufs"),
    [
        pytest.param(_steps((-23, 20)), -23.0, id="case 1"),
        pytest.param(_steps((-33, 20)), -33.0, id="case 2"),
        pytest.param(_steps((-36, 10), (-23, 60), (-36, 10)), -23.0, id="case 3"),
        pytest.param(
            _steps((-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)), -23.0, id="case 4"
        ),
        pytest.param(_steps((-26, 20), (-20, 20.1), (-26, 20)), -23.0, id="case 5"),
    ],
)
def test_loudness_of_the_ebu_cases_is_right_within_a_tenth(signal: np.ndarray, lufs: float) -> None:
    assert _lufs(signal) == pytest.approx(lufs, abs=0.1)


@pytest.mark.parametrize("channels", [1, 2])
def test_the_streaming_meter_says_what_pyloudnorm_says_of_the_whole(channels: int) -> None:
    random = np.random.default_rng(2)
    swell = np.linspace(0.001, 0.5, 12 * RATE)[:, None]
    samples = (random.normal(0, 1, (12 * RATE, channels)) * swell).astype(np.float32)
    whole = pyloudnorm.Meter(RATE).integrated_loudness(samples.astype(np.float64))
    for block in (1152, 4410, len(samples)):
        assert _lufs(samples, block) == pytest.approx(whole, abs=0.02)


@pytest.mark.parametrize("samples", [tone(3, level=0), tone(0.3), tone(3, level=1e-5)])
def test_silence_and_a_click_have_no_loudness(samples: np.ndarray) -> None:
    assert _lufs(samples) is None


@pytest.mark.parametrize("phase", [0.0, 0.25, 0.5])
def test_a_peak_between_the_samples_is_found(phase: float) -> None:
    """A quarter of the sample rate at 45 degrees: every sample is 3 dB under the true peak."""
    n = np.arange(RATE)
    wave = 0.5 * np.sin(2 * np.pi * n / 4 + np.pi * phase)
    wave *= np.minimum(1, np.minimum(n, n[::-1]) / 2000)
    assert _dbtp(np.stack((wave, wave), 1).astype(np.float32)) == pytest.approx(-6.02, abs=0.2)


def test_true_peak_does_not_depend_on_how_the_sound_was_cut() -> None:
    samples = np.random.default_rng(4).normal(0, 0.2, (30_000, 2)).astype(np.float32)
    whole = _dbtp(samples, len(samples))
    assert _dbtp(samples, 1152) == pytest.approx(whole, abs=1e-4)
    assert _dbtp(samples, 7) == pytest.approx(whole, abs=1e-4)


def test_digital_silence_has_no_peak() -> None:
    assert _dbtp(np.zeros((RATE, 2), np.float32)) is None
