"""The attack list, file by file: each has one known answer, in bounded time and memory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from gateways.audio.errors import AudioRefused
from gateways.audio.facts import Accepted, Refused
from gateways.audio.pool import AudioPool
from schemas.audio.report import Report
from tests.fixtures.audio_corpus import make_hostile

REFUSED = {
    "empty": "empty-file",
    "random-bytes": "not-audio",
    "text": "not-audio",
    "id3-html-polyglot": "not-audio",
    "hls-playlist": "not-audio",
    "concat-script": "not-audio",
    "svg": "not-audio",
    "zip": "not-audio",
    "png": "not-audio",
    "only-a-wav-header": "corrupt",
    "truncated-m4a": "corrupt",
    "scrambled-flac": "corrupt",
    "deep-atoms": "corrupt",
    "endless-atoms": "corrupt",
    "lying-wav-250-frames": "too-short",
    "three-samples": "too-short",
    "too-high-rate": "limits-exceeded",
    "nine-channels": "too-many-channels",
    "video-only": "no-audio-stream",
}
# Name: seconds of sound that are really there.
ACCEPTED = {
    "truncated-mp3": 4.96,
    "truncated-flac": 1.15,
    "lying-wav-one-second": 1.0,
    "garbage-in-the-middle": 19.6,
    "silence-bomb": 120.02,
    "high-rate": 0.23,
    "surround": 2.0,
    "silence": 3.0,
    "direct-current": 3.0,
    "mono-as-stereo": 3.0,
    "inverted-sides": 3.0,
    "not-a-number": 2.0,
    "huge-tags": 2.0,
}
TRUNCATED = {"truncated-mp3", "truncated-flac", "lying-wav-one-second"}
PROBE_WITHIN_S = 5.0  # a hundred times what each took, for a busy machine
PROBE_MEMORY_BYTES = 200 * 1024 * 1024  # 75 MB measured


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return make_hostile(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def pool() -> Iterator[AudioPool]:
    with AudioPool(1) as pool:
        yield pool


def test_every_hostile_file_has_an_answer(hostile: dict[str, Path]) -> None:
    assert set(hostile) == set(REFUSED) | set(ACCEPTED)


@pytest.mark.parametrize(("name", "code"), REFUSED.items())
def test_what_is_no_playable_sound_is_refused_with_its_reason(
    pool: AudioPool, hostile: dict[str, Path], name: str, code: str
) -> None:
    pool.isolation()  # the child is started outside the measured time
    started = time.monotonic()
    answer = pool.probe(hostile[name])
    assert time.monotonic() - started < PROBE_WITHIN_S
    assert isinstance(answer, Refused), answer
    assert answer.code == code
    assert answer.reason[0].isupper()
    assert len(answer.reason) > 20


@pytest.mark.parametrize(("name", "duration_s"), ACCEPTED.items())
def test_odd_sound_is_accepted_for_what_is_really_there(
    pool: AudioPool, hostile: dict[str, Path], name: str, duration_s: float
) -> None:
    pool.isolation()
    started = time.monotonic()
    answer = pool.probe(hostile[name])
    assert time.monotonic() - started < PROBE_WITHIN_S
    assert isinstance(answer, Accepted), answer
    assert answer.audio.duration_s == pytest.approx(duration_s, abs=0.1)
    assert answer.audio.truncated == (name in TRUNCATED)


def test_senseless_tags_are_left_out_and_long_ones_cut(
    pool: AudioPool, hostile: dict[str, Path]
) -> None:
    answer = pool.probe(hostile["huge-tags"])
    assert isinstance(answer, Accepted)
    assert answer.cover is None  # one is over 2 MiB, the other is no picture
    said = {name: value for name, value in answer.tags if value is not None}
    assert set(said) == {"title"}
    assert str(said["title"]).startswith("A title with lines é")
    assert len(str(said["title"])) == 500


def test_a_bomb_is_unpacked_in_flat_memory(hostile: dict[str, Path]) -> None:
    """Two minutes of eight channels at 96 kHz are 369 MB as float32; the file has 46 KB."""
    assert hostile["silence-bomb"].stat().st_size < 100_000
    others = set(psutil.Process().children(recursive=True))
    with AudioPool(1) as fresh:
        fresh.probe(hostile["silence-bomb"])
        (child,) = set(psutil.Process().children(recursive=True)) - others
        assert child.memory_info().rss < PROBE_MEMORY_BYTES


@pytest.mark.parametrize("name", REFUSED)
def test_analysing_what_is_no_sound_is_refused_for_good(
    pool: AudioPool, hostile: dict[str, Path], name: str
) -> None:
    if name == "three-samples" or name.startswith("lying"):
        assert pool.analyse(hostile[name]).measurement.tempo_bpm is None  # short, yet it decodes
        return
    with pytest.raises(AudioRefused) as refusal:
        pool.analyse(hostile[name])
    assert not refusal.value.retryable


@pytest.mark.parametrize("name", ACCEPTED)
def test_analysing_odd_sound_measures_it(
    pool: AudioPool, hostile: dict[str, Path], name: str
) -> None:
    measured = pool.analyse(hostile[name]).measurement
    if name in ("silence-bomb", "silence"):
        assert (measured.loudness_lufs, measured.key) == (None, None)
    else:
        assert measured.true_peak_dbtp is not None
    if name != "garbage-in-the-middle":
        assert measured.tempo_bpm is None  # held notes, too short, or silent
    downmixed = any("downmix" in fact for fact in measured.degraded)
    assert downmixed == (name in ("silence-bomb", "surround"))


# Name: what the report must say of it.
DEFECTS = {
    "silence": "silent",
    "silence-bomb": "silent",
    "direct-current": "dc-offset",
    "mono-as-stereo": "mono-as-stereo",
    "inverted-sides": "phase",
    "truncated-mp3": "truncated",
    "garbage-in-the-middle": "damaged",
}
ANALYSIS_WITHIN_S = 60.0  # twenty times what the longest took, for a busy machine
ANALYSIS_MEMORY_BYTES = 800 * 1024 * 1024


@pytest.mark.parametrize(("name", "code"), DEFECTS.items())
def test_the_report_names_what_is_wrong_in_bounded_time_and_memory(
    pool: AudioPool, hostile: dict[str, Path], name: str, code: str
) -> None:
    started = time.monotonic()
    report = Report.model_validate_json(pool.analyse(hostile[name]).report)
    assert time.monotonic() - started < ANALYSIS_WITHIN_S
    children = psutil.Process().children(recursive=True)
    assert max(child.memory_info().rss for child in children) < ANALYSIS_MEMORY_BYTES
    found = {one.code: one for one in report.quality.feedback}
    assert code in found
    assert found[code].fix
    assert report.genre.primary is None or report.quality.score is not None
    if code == "silent":
        assert report.quality.score is None
        assert report.virality.score is None
        assert report.audioFeatures.loudness.value is None
