"""Loudness and true peak on signals with stated answers, in the manner of EBU Tech 3341."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
from av import AudioLayout

from gateways.audio.analysis import meters_of
from gateways.audio.decode import Decoder
from gateways.audio.defects.heard import Measured
from gateways.audio.loudness import LoudnessMeter, TruePeakMeter
from gateways.audio.surround import weights_of
from tests.fixtures.audio_corpus import RATE, tone, write_surround, write_wav


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


# EBU Tech 3341, case 6: 1 kHz at dBFS in each channel.
CASE_6 = {"FL": -28, "FR": -28, "FC": -24, "BL": -30, "BR": -30, "SL": -30, "SR": -30, "LFE": -10}


def _surround(
    layout: str, *, level_db: dict[str, float] = CASE_6
) -> tuple[np.ndarray, AudioLayout]:
    made = AudioLayout(layout)
    wave = tone(20, 1000, 1.0, channels=1)[:, 0]
    levels = [10 ** (level_db[each.name] / 20) for each in made.channels]
    return np.stack([wave * level for level in levels], axis=1), made


def _measured(path: Path) -> Measured:
    with path.open("rb") as file:
        decoder = Decoder(file)
        try:
            return meters_of(decoder).measured(decoder)
        finally:
            decoder.close()


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".m4a"])
@pytest.mark.parametrize("layout", ["5.0", "5.0(side)", "5.1", "5.1(side)"])
def test_surround_is_weighed_channel_by_channel_and_not_downmixed(
    tmp_path: Path, layout: str, suffix: str
) -> None:
    """EBU Tech 3341, case 6. Low frequency effects do not count, however loud they are."""
    measured = _measured(write_surround(tmp_path / f"a{suffix}", *_surround(layout)))
    assert measured.lufs == pytest.approx(-23.0, abs=0.1 if suffix != ".m4a" else 0.3)
    if suffix != ".m4a":  # AAC keeps nothing but bass of low frequency effects
        loudest_db = -10 if "5.1" in layout else -24
        assert measured.true_peak_dbtp == pytest.approx(loudest_db, abs=0.2)


@pytest.mark.parametrize(
    ("layout", "weights"),
    [
        ("stereo", [1, 1]),
        ("2.1", [1, 1, 0]),
        ("quad", [1, 1, 1.41, 1.41]),
        ("4.0", [1, 1, 1, 1]),
        ("5.0", [1, 1, 1, 1.41, 1.41]),
        ("5.1(side)", [1, 1, 1, 0, 1.41, 1.41]),
        ("6.1", [1, 1, 1, 0, 1, 1.41, 1.41]),
        ("7.1", [1, 1, 1, 0, 1, 1, 1.41, 1.41]),
        ("7.1(wide)", [1, 1, 1, 0, 1.41, 1.41, 1, 1]),
    ],
)
def test_each_channel_weighs_as_its_place_says(layout: str, weights: list[float]) -> None:
    assert weights_of([each.name for each in AudioLayout(layout).channels]) == pytest.approx(
        weights
    )


def test_a_file_that_names_no_places_has_the_usual_ones(tmp_path: Path) -> None:
    samples, _ = _surround("5.1")
    measured = _measured(write_wav(tmp_path / "a.wav", samples))
    assert measured.lufs == pytest.approx(-23.0, abs=0.1)
