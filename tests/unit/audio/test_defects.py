"""A clean recording has no defect; a damaged one has exactly that one, where it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import maximum_filter1d, uniform_filter1d
from scipy.signal import resample, resample_poly

from gateways.audio.analysis import meters_of
from gateways.audio.decode import Decoder
from gateways.audio.defects.clipping import ClippingMeter
from gateways.audio.defects.levels import STORE_LEVELS
from gateways.audio.defects.rules import judge
from gateways.audio.defects.stores import STORES, gain_db
from gateways.audio.promised import missing_s
from runtime.demo_music import TrackSpec, compose
from schemas.audio.report import Finding, Quality
from tests.fixtures.audio_corpus import RATE, tone, write_encoded, write_float_wav, write_wav

STYLES = ("house", "lofi", "ballad", "trap", "folk")


def _music(style: str, *, fade_s: float = 0.5) -> np.ndarray:
    """Ten seconds at -4 dBFS that end softly."""
    made = compose(TrackSpec("t", "a", "l", "g", style, 120.0, "C minor", duration_s=10))
    made = made * (0.63 / np.abs(made).max())
    fade = round(fade_s * RATE)
    made[-fade:] *= np.linspace(1, 0, fade)[:, None] ** 2
    return made.astype(np.float32)


@pytest.fixture(scope="module")
def music() -> np.ndarray:
    return _music("house")


def _judged(folder: Path, samples: np.ndarray, rate_hz: int = RATE) -> Quality:
    return _judged_file(write_wav(folder / "a.wav", samples, rate_hz))


def _judged_file(path: Path) -> Quality:
    with path.open("rb") as file:
        decoder = Decoder(file)
        try:
            meters = meters_of(decoder)
            return judge(meters.measured(decoder, missing_s(decoder, file)))
        finally:
            decoder.close()


def _defects(quality: Quality) -> dict[str, Finding]:
    """What stores do to the level is no defect."""
    return {one.code: one for one in quality.feedback if one.code != STORE_LEVELS}


@pytest.mark.parametrize("style", STYLES)
def test_a_clean_recording_has_no_defect(tmp_path: Path, style: str) -> None:
    quality = _judged(tmp_path, _music(style))
    assert _defects(quality) == {}
    assert quality.score == 100


def _clipped(music: np.ndarray) -> np.ndarray:
    made = music * 0.9
    made[3 * RATE : 4 * RATE] = np.clip(made[3 * RATE : 4 * RATE] * 8, -0.995, 0.995)
    return made


def _offset(music: np.ndarray) -> np.ndarray:
    return music * 0.9 + 0.03


def _upside_down(music: np.ndarray) -> np.ndarray:
    return music * np.array([1, -1])


def _one_side(music: np.ndarray) -> np.ndarray:
    return music * np.array([1, 0])


def _leaning(music: np.ndarray) -> np.ndarray:
    return music * np.array([1, 0.5])


def _mono(music: np.ndarray) -> np.ndarray:
    return np.repeat(music.mean(axis=1, keepdims=True), 2, 1)


def _late(music: np.ndarray) -> np.ndarray:
    return np.concatenate((np.zeros((3 * RATE, 2)), music))


def _trailing(music: np.ndarray) -> np.ndarray:
    return np.concatenate((music, np.zeros((7 * RATE, 2))))


def _holed(music: np.ndarray) -> np.ndarray:
    fade = np.linspace(1, 0, RATE // 2)[:, None]
    before, after = music[: 5 * RATE].copy(), music[5 * RATE :].copy()
    before[-len(fade) :] *= fade
    after[: len(fade)] *= fade[::-1]
    return np.concatenate((before, np.zeros((3 * RATE, 2)), after))


def _cut_short(music: np.ndarray) -> np.ndarray:
    loudest = (
        4 * RATE + np.convolve(music[4 * RATE : 8 * RATE, 0] ** 2, np.ones(2000), "same").argmax()
    )
    return music[: int(loudest) + 1000]


def _dropped_out(music: np.ndarray) -> np.ndarray:
    made = music.copy()
    level = np.abs(made).max(axis=1)
    at = 5 * RATE + int(np.argmax(level[5 * RATE : 6 * RATE]))
    made[at + 1 : at + 1 + RATE // 50] = 0
    return made


def _clicked(music: np.ndarray) -> np.ndarray:
    made = music * 0.5
    made[round(6.5 * RATE)] += 0.6
    return made


def _hummed(music: np.ndarray) -> np.ndarray:
    t = np.arange(len(music) + 4 * RATE) / RATE
    hum = sum(0.002 / n * np.sin(2 * np.pi * 50 * n * t) for n in (1, 2, 3))
    return np.concatenate((music, np.zeros((4 * RATE, 2)))) + np.asarray(hum)[:, None]


def _hissed(music: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(4).normal(0, 0.003, (len(music) + 4 * RATE, 2))
    return np.concatenate((music, np.zeros((4 * RATE, 2)))) + noise


def _squashed(music: np.ndarray) -> np.ndarray:
    """A limiter that looks 1 ms ahead, driven 40 dB too hard."""
    reach = RATE // 1000
    peaks = maximum_filter1d(np.abs(music * 100).max(axis=1), 2 * reach)
    gain = uniform_filter1d(np.minimum(1, 0.5 / (peaks + 1e-9)), reach)
    made = music * 100 * gain[:, None]
    return made - made.mean(axis=0)


def _quiet(music: np.ndarray) -> np.ndarray:
    return music * 0.1


DAMAGES: list[tuple[str, Callable[[np.ndarray], np.ndarray], tuple[float, float] | None]] = [
    ("clipping", _clipped, (3.0, 4.0)),
    ("dc-offset", _offset, (0.0, 10.0)),
    ("phase", _upside_down, (0.0, 10.0)),
    ("one-sided", _one_side, None),
    ("imbalance", _leaning, None),
    ("mono-as-stereo", _mono, None),
    ("silence-start", _late, (0.0, 3.0)),
    ("silence-end", _trailing, (10.0, 17.0)),
    ("silence-inside", _holed, (5.0, 8.0)),
    ("cut-end", _cut_short, None),
    ("dropout", _dropped_out, (5.0, 6.05)),
    ("click", _clicked, (6.5, 6.52)),
    ("hum", _hummed, None),
    ("noise", _hissed, None),
    ("squashed", _squashed, None),
    ("too-quiet", _quiet, None),
]
# What a damage brings along by its nature.
ALSO = {"clipping": {"true-peak"}, "squashed": {"too-loud"}, "one-sided": {"too-quiet"}}


@pytest.mark.parametrize(("code", "damage", "place"), DAMAGES, ids=[one[0] for one in DAMAGES])
def test_a_damage_is_found_and_nothing_else(
    tmp_path: Path,
    music: np.ndarray,
    code: str,
    damage: Callable[[np.ndarray], np.ndarray],
    place: tuple[float, float] | None,
) -> None:
    quality = _judged(tmp_path, damage(music))
    found = _defects(quality)
    assert code in found, quality
    assert set(found) - {code} <= ALSO.get(code, set())
    assert quality.score == 100 - sum(one.deduction for one in quality.feedback)
    if place is not None:
        spans = found[code].spans
        assert spans[0].start_s == pytest.approx(place[0], abs=0.6)
        assert spans[-1].end_s == pytest.approx(place[1], abs=0.6)
        assert all(place[0] - 0.1 <= one.start_s <= one.end_s <= place[1] + 0.1 for one in spans)


def test_a_peak_over_the_limit_is_told_with_its_place(tmp_path: Path, music: np.ndarray) -> None:
    made = music.copy()
    made[2 * RATE : 3 * RATE] *= 0.97 / np.abs(made[2 * RATE : 3 * RATE]).max()
    found = _defects(_judged(tmp_path, made))
    assert set(found) == {"true-peak"}
    assert all(1.9 <= span.start_s <= span.end_s <= 3.1 for span in found["true-peak"].spans)


@pytest.mark.parametrize("rate_hz", [22_050, 32_000])
def test_a_low_sample_rate_is_told(tmp_path: Path, music: np.ndarray, rate_hz: int) -> None:
    made = resample_poly(music, rate_hz // 50, RATE // 50, axis=0)
    assert set(_defects(_judged(tmp_path, made, rate_hz))) == {"sample-rate"}


def _bright(music: np.ndarray) -> np.ndarray:
    """With air up to the top, as cymbals have."""
    level = np.abs(music).max(axis=1, keepdims=True)
    noise = np.random.default_rng(1).normal(0, 0.05, music.shape)
    return (music * 0.8 + noise * level).astype(np.float32)


def test_a_lossless_file_that_was_lossy_before_is_told(tmp_path: Path, music: np.ndarray) -> None:
    bright = _bright(music)
    assert _defects(_judged(tmp_path, bright)) == {}
    spectrum = np.fft.rfft(bright, axis=0)
    spectrum[round(16_000 / RATE * len(bright)) :] *= 1e-5
    low = np.fft.irfft(spectrum, len(bright), axis=0)
    found = _defects(_judged(tmp_path, low * 0.9))
    assert set(found) == {"bandwidth"}
    assert found["bandwidth"].value == pytest.approx(16_000, abs=500)


def test_a_high_rate_without_content_is_told(tmp_path: Path, music: np.ndarray) -> None:
    doubled = resample(_bright(music), 2 * len(music), axis=0)
    found = _defects(_judged(tmp_path, doubled * 0.9, 88_200))
    assert set(found) == {"upsampled"}


@pytest.mark.parametrize("suffix", ["mp3", "m4a", "ogg", "opus", "flac"])
def test_a_clean_recording_stays_clean_in_every_format(
    tmp_path: Path, music: np.ndarray, suffix: str
) -> None:
    assert _defects(_judged_file(write_encoded(tmp_path / f"a.{suffix}", music))) == {}


def test_music_hides_noise_and_then_nothing_is_claimed(tmp_path: Path, music: np.ndarray) -> None:
    noise = np.random.default_rng(4).normal(0, 0.003, music.shape)
    assert _defects(_judged(tmp_path, music[: 9 * RATE] + noise[: 9 * RATE])).keys() <= {"cut-end"}


def test_silence_has_no_score(tmp_path: Path) -> None:
    for level in (0.0, 0.4):  # an offset alone is no sound either
        quality = _judged(tmp_path, np.full((3 * RATE, 2), level))
        assert quality.score is None
        assert "silent" in _defects(quality)


def test_a_low_note_at_full_scale_is_not_clipped(tmp_path: Path) -> None:
    t = np.arange(5 * RATE) / RATE
    note = np.sin(2 * np.pi * 50 * t)[:, None] * np.linspace(1, 0, len(t))[:, None]
    assert "clipping" not in _defects(_judged(tmp_path, np.repeat(note, 2, 1)))


def test_what_was_clipped_and_turned_down_is_still_found(tmp_path: Path, music: np.ndarray) -> None:
    assert "clipping" in _defects(_judged(tmp_path, np.clip(music * 3, -0.9, 0.9) * 0.5))


@pytest.mark.parametrize(
    ("store", "lufs", "peak_dbtp", "gain"),
    [
        ("Spotify", -9.0, -0.5, -5.0),
        ("Apple Music", -9.0, -0.5, -7.0),
        ("Spotify", -20.0, -3.0, 2.0),  # up to -1 dBTP and no further
        ("Spotify", -15.0, -0.5, 0.0),
        ("YouTube", -20.0, -9.0, 0.0),  # never lifts
    ],
)
def test_what_a_store_does_follows_from_loudness_and_peak(
    store: str, lufs: float, peak_dbtp: float, gain: float
) -> None:
    (chosen,) = [one for one in STORES if one.name == store]
    assert gain_db(chosen, lufs, peak_dbtp) == pytest.approx(gain)


def test_what_stores_do_is_told_in_one_notice_and_costs_nothing(
    tmp_path: Path, music: np.ndarray
) -> None:
    quality = _judged(tmp_path, music * 0.5)
    (told,) = [one for one in quality.feedback if one.code == STORE_LEVELS]
    assert (told.deduction, told.severity) == (0, "info")
    assert told.title.startswith("Stores turn it up by ")
    assert " or leave it " in told.title
    assert "YouTube unchanged" in told.fix  # quiet, and YouTube lifts nothing
    gains = {store.name: store.gain_db for store in quality.stores}
    assert gains["YouTube"] == 0
    assert gains["Spotify"] > 1
    assert all(
        store.plays_at_lufs == pytest.approx(told.value + store.gain_db, abs=0.1)
        for store in quality.stores
    )


def test_music_near_the_stores_level_has_no_notice_of_them(tmp_path: Path) -> None:
    quality = _judged(tmp_path, tone(5, 1000, 10 ** (-15 / 20)))
    assert STORE_LEVELS not in {one.code for one in quality.feedback}
    assert max(abs(store.gain_db) for store in quality.stores) == pytest.approx(1, abs=0.1)


def test_what_was_cut_off_on_its_way_is_one_defect(tmp_path: Path, music: np.ndarray) -> None:
    whole = write_encoded(tmp_path / "whole.flac", music).read_bytes()
    cut = tmp_path / "cut.flac"
    cut.write_bytes(whole[: len(whole) // 3])
    found = _defects(_judged_file(cut))
    assert found["truncated"].value == pytest.approx(6.7, abs=1.5)
    assert set(found) & {"damaged", "cut-end"} == set()


def test_a_hole_in_a_lossless_file_is_told_however_short(tmp_path: Path, music: np.ndarray) -> None:
    """The parser leaves out a damaged frame without a word: only the length tells."""
    data = bytearray(write_encoded(tmp_path / "a.flac", music).read_bytes())
    middle = len(data) // 3
    data[middle : middle + 3000] = b"\xaa" * 3000
    (tmp_path / "b.flac").write_bytes(data)
    found = _defects(_judged_file(tmp_path / "b.flac"))
    assert 0.02 < found["truncated"].value < 1


def test_the_level_of_a_downmix_is_not_held_against_the_file(
    tmp_path: Path, music: np.ndarray
) -> None:
    """Six channels at half of full scale sum up to twice of it."""
    quality = _judged(tmp_path, np.tile(music, (1, 3)))
    assert set(_defects(quality)) <= {"surround", "mono-as-stereo"}
    assert (quality.score, quality.stores) == (100, [])


def test_an_offset_alone_is_told_as_such_and_as_silence(tmp_path: Path) -> None:
    quality = _judged(tmp_path, np.full((3 * RATE, 2), 0.4))
    assert [one.code for one in quality.feedback] == ["dc-offset", "silent"]
    assert quality.score is None


def test_packets_that_cannot_be_played_are_counted(tmp_path: Path, music: np.ndarray) -> None:
    mp3 = write_encoded(tmp_path / "a.mp3", music).read_bytes()
    (tmp_path / "b.mp3").write_bytes(mp3[:60_000] + b"\xaa" * 9000 + mp3[69_000:])
    assert _defects(_judged_file(tmp_path / "b.mp3"))["damaged"].value >= 1


def test_samples_far_beyond_full_scale_are_measured_as_loud(tmp_path: Path) -> None:
    """Of a float file with a sample of 1e30, the squares were infinite and the analysis failed."""
    samples = tone(2)
    samples[RATE] = 1e30
    quality = _judged_file(write_float_wav(tmp_path / "a.wav", samples))
    assert _defects(quality)["true-peak"].value == pytest.approx(60, abs=3)


def test_a_file_of_nothing_but_cut_peaks_is_counted_in_flat_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Four hours of a square wave have 300 million cut peaks."""
    second = np.sign(np.sin(np.arange(RATE) * 2 * np.pi * 441 / RATE + 0.1))[:, None]
    found = []
    for most in (1_000_000, 1000):
        monkeypatch.setattr("gateways.audio.defects.clipping._MOST_RUNS", most)
        meter = ClippingMeter(RATE, 1)
        for level in (0.5, 0.99, 0.99, 0.99):
            meter.feed(np.float32(level) * second.astype(np.float32))
        found.append(meter.finish())
        assert sum(map(len, meter._runs)) <= most + 882
    assert found[0].runs == found[1].runs > 2600
    assert found[0].spans[0].start_s == pytest.approx(1.0, abs=0.01)
