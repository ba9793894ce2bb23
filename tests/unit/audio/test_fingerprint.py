"""The same audio is known again in other formats, levels and rates; other music is not taken for
it; a part of it is found where it lies."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from gateways.audio.decode import Blocks, Decoder
from gateways.audio.fingerprint import fingerprint
from gateways.audio.sound import SAMPLE_RATE_HZ, Sound
from runtime.demo_music import catalogue, compose
from schemas.audio.fingerprint import MOST_WORDS, BadFingerprint, compare, index_terms, read_words
from tests.fixtures.audio_corpus import write_encoded, write_wav

LENGTH_S = 24


@pytest.fixture(scope="module")
def tracks() -> list[np.ndarray]:
    return [compose(spec) for spec in catalogue(8, duration_s=LENGTH_S)]


def _words(samples: np.ndarray) -> list[int]:
    """Of (n, 2) or (n,)."""
    mono = samples.mean(axis=1) if samples.ndim == 2 else samples
    made = fingerprint(Sound(mono.astype(np.float32)))
    return read_words(made) if made else []


def _decoded(path: Path) -> np.ndarray:
    with path.open("rb") as file:
        decoder = Decoder(file)
        samples = np.concatenate(list(Blocks(decoder, SAMPLE_RATE_HZ)))
        decoder.close()
    return samples


@pytest.mark.parametrize("suffix", ["mp3", "m4a", "ogg", "opus", "flac"])
def test_the_same_audio_is_known_in_every_format_and_level(
    tmp_path: Path, tracks: list[np.ndarray], suffix: str
) -> None:
    for track in tracks[:2]:
        other = _words(_decoded(write_encoded(tmp_path / f"a.{suffix}", track * 0.3)))
        match = compare(_words(track), other)
        assert match is not None
        assert match.verdict == "same audio"
        assert match.difference < 0.2
        assert set(index_terms(_words(track))) & set(index_terms(other))


def test_the_same_audio_is_known_at_another_rate(tmp_path: Path, tracks: list[np.ndarray]) -> None:
    half = _decoded(write_wav(tmp_path / "a.wav", tracks[0][::2], SAMPLE_RATE_HZ // 2))
    match = compare(_words(tracks[0]), _words(half))
    assert match is not None
    assert match.verdict == "same audio"


def test_other_music_is_not_taken_for_it(tracks: list[np.ndarray]) -> None:
    words = [_words(track) for track in tracks]
    assert [compare(a, b) for a, b in itertools.combinations(words, 2)] == [None] * 28


def test_a_part_is_found_where_it_lies(tracks: list[np.ndarray]) -> None:
    part = tracks[2][round(7.03 * SAMPLE_RATE_HZ) :]  # between two words
    match = compare(_words(tracks[2]), _words(part))
    assert match is not None
    assert match.offset_s == pytest.approx(7.0, abs=0.3)
    assert match.verdict == "contains or edit of"
    assert match.share_of_other > 0.85


def test_a_longer_version_contains_the_shorter(tracks: list[np.ndarray]) -> None:
    longer = np.concatenate((tracks[3], tracks[4]))
    match = compare(_words(longer), _words(tracks[3]))
    assert match is not None
    assert match.verdict == "contains or edit of"
    assert match.share_of_other > 0.85 > 0.7 > match.share_of_one


def test_silence_and_what_is_too_short_have_none() -> None:
    assert fingerprint(Sound(np.zeros(10 * SAMPLE_RATE_HZ, np.float32))) is None
    assert fingerprint(Sound(np.ones(SAMPLE_RATE_HZ, np.float32))) is None


def test_ten_minutes_fit_into_an_event() -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 600 * SAMPLE_RATE_HZ // 4).astype(np.float32)
    made = fingerprint(Sound(np.tile(noise, 4)))
    assert made is not None
    assert len(made) <= 16_384
    assert len(read_words(made)) <= MOST_WORDS


@pytest.mark.parametrize("data", ["not base64!", "AAA=", "AAAA" * 5000])
def test_what_is_no_fingerprint_is_refused(data: str) -> None:
    with pytest.raises(BadFingerprint):
        read_words(data)
