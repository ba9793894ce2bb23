"""Tempo, key, loudness and energy of music whose answers are known, with essentia and without."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gateways.audio.errors import AudioRefused
from gateways.audio.facts import Measurement
from gateways.audio.peaks import read_zoom
from gateways.audio.pool import AudioPool
from runtime.demo_music import TrackSpec, TrackTruth, compose
from tests.fixtures.audio_corpus import RATE, tone, write_encoded, write_wav

# Floors for 14 seconds of each track.
TEMPO_SHARE, KEY_SHARE = 0.9, 0.9


def test_tempo_within_one_beat_a_minute_and_key_are_right(
    analysing_pool: AudioPool, corpus: list[TrackTruth]
) -> None:
    measured = [analysing_pool.analyse(truth.path).measurement for truth in corpus]
    pairs = list(zip(measured, corpus, strict=True))
    tempos = [abs((m.tempo_bpm or 0) - t.tempo_bpm) <= 1 for m, t in pairs]
    keys = [m.key == t.key for m, t in pairs]
    assert np.mean(tempos) >= TEMPO_SHARE, _wrong(measured, corpus)
    assert np.mean(keys) >= KEY_SHARE, _wrong(measured, corpus)
    for measurement in measured:
        _check_candidates(measurement)
        assert measurement.energy is not None
        assert measurement.loudness_lufs is not None
        assert -16 < measurement.loudness_lufs < -8


def _check_candidates(measurement: Measurement) -> None:
    first, *others = measurement.tempo_candidates
    assert first.bpm == measurement.tempo_bpm
    assert {0.5, 2.0} <= {round(other.bpm / first.bpm, 2) for other in others}
    assert all(other.confidence <= first.confidence for other in others)


def _wrong(measured: list[Measurement], corpus: list[TrackTruth]) -> list[tuple[object, ...]]:
    return [
        (t.path.name, t.tempo_bpm, m.tempo_bpm, t.key, m.key)
        for m, t in zip(measured, corpus, strict=True)
        if m.key != t.key or abs((m.tempo_bpm or 0) - t.tempo_bpm) > 1
    ]


@pytest.mark.parametrize(
    ("suffix", "within_lu"),
    [
        ("wav", 0.1),
        ("flac", 0.1),
        ("aiff", 0.1),
        ("m4a", 0.4),
        ("ogg", 0.4),
        ("opus", 0.4),
        ("mp3", 0.4),
    ],
)
def test_loudness_is_right_in_every_format(
    pool: AudioPool, tmp_path: Path, suffix: str, within_lu: float
) -> None:
    """Lossy encoders change a bare sine a little themselves: LAME by 0.3 dB."""
    samples = tone(6, 1000, 10 ** (-23 / 20))
    measured = pool.analyse(write_encoded(tmp_path / f"a.{suffix}", samples)).measurement
    assert measured.loudness_lufs == pytest.approx(-23.0, abs=within_lu)
    assert measured.true_peak_dbtp == pytest.approx(-23.0, abs=0.6)


def test_one_channel_is_three_decibels_under_the_same_on_two(
    pool: AudioPool, tmp_path: Path
) -> None:
    mono = write_wav(tmp_path / "mono.wav", tone(4, 1000, channels=1))
    stereo = write_wav(tmp_path / "stereo.wav", tone(4, 1000))
    one, two = pool.analyse(mono).measurement, pool.analyse(stereo).measurement
    assert one.loudness_lufs is not None
    assert one.loudness_lufs + 3.01 == pytest.approx(two.loudness_lufs, abs=0.02)
    assert one.true_peak_dbtp == pytest.approx(two.true_peak_dbtp, abs=0.01)


def test_a_loud_busy_track_has_more_energy_than_a_ballad(
    pool: AudioPool, corpus: list[TrackTruth]
) -> None:
    genres = ("Ballad", "Lo-Fi", "House")
    energy = {t.genre: pool.analyse(t.path).measurement.energy for t in corpus if t.genre in genres}
    assert max(energy["Ballad"], energy["Lo-Fi"]) + 0.1 < energy["House"]


def test_silence_measures_as_nothing_rather_than_as_something(
    analysing_pool: AudioPool, tmp_path: Path
) -> None:
    path = write_wav(tmp_path / "silence.wav", np.zeros((3 * RATE, 2), np.float32))
    measured = analysing_pool.analyse(path).measurement
    empty = {"tempo_bpm", "key", "key_confidence", "loudness_lufs", "true_peak_dbtp", "energy"}
    assert {name for name in empty if getattr(measured, name) is not None} == set()
    assert measured.tempo_candidates == ()


@pytest.mark.parametrize("length_s", [0.06, 0.5, 1.5])
def test_what_is_too_short_for_a_tempo_has_none(
    analysing_pool: AudioPool, tmp_path: Path, length_s: float
) -> None:
    path = write_wav(tmp_path / "short.wav", tone(length_s))
    assert analysing_pool.analyse(path).measurement.tempo_bpm is None


def test_a_held_note_has_a_key_but_no_tempo(analysing_pool: AudioPool, tmp_path: Path) -> None:
    measured = analysing_pool.analyse(write_wav(tmp_path / "a.wav", tone(10))).measurement
    assert measured.tempo_bpm is None
    assert measured.key in ("A major", "A minor")


def test_sides_that_cancel_out_are_heard_all_the_same(pool: AudioPool, tmp_path: Path) -> None:
    samples = compose(TrackSpec("t", "a", "l", "House", "house", 124.0, "C minor", duration_s=12))
    samples = np.stack((samples[:, 0], -samples[:, 0]), axis=1)
    measured = pool.analyse(write_wav(tmp_path / "a.wav", samples)).measurement
    assert measured.tempo_bpm == pytest.approx(124, abs=1)
    assert measured.key == "C minor"


def test_the_waveform_covers_the_whole_track(pool: AudioPool, corpus: list[TrackTruth]) -> None:
    truth = corpus[5]  # opus: 48 kHz, so resampled
    level = read_zoom(pool.analyse(truth.path).peaks, 256)
    assert level["length"] == pytest.approx(truth.duration_s * 44_100 / 256, abs=2)
    assert level["sample_rate"] == 44_100


def test_a_file_that_is_no_sound_is_refused_with_its_reason(
    pool: AudioPool, tmp_path: Path
) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(b"no sound at all" * 100)
    with pytest.raises(AudioRefused) as refusal:
        pool.analyse(path)
    assert (refusal.value.code, refusal.value.retryable) == ("not-audio", False)
