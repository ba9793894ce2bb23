"""What browsers cannot play becomes an MP3 they can, made in a limited child in flat memory."""

from __future__ import annotations

import itertools
import os
import re
import signal
import threading
import time
from pathlib import Path

import av
import numpy as np
import psutil
import pytest

from gateways.audio.errors import (
    AnalyserCrashed,
    AnalyserStopped,
    AnalyserTimedOut,
    AudioRefused,
)
from gateways.audio.facts import Accepted, Rendition
from gateways.audio.pool import AudioPool
from gateways.audio.sandbox import RENDER_LIMITS, Limits
from runtime.demo_music import TrackSpec, TrackTruth, compose
from tests.fixtures.audio_corpus import RATE, tone, write_encoded, write_wav

UNPLAYED = {".aiff"}
WITHIN_S = 30.0
CHILD_MEMORY_BYTES = 150 * 1024 * 1024  # 68 MB measured, of ten seconds as of five minutes


def _write(path: Path, samples: np.ndarray, codec: str, rate_hz: int = RATE) -> Path:
    """Float samples (n, channels) in any codec that libavformat puts into this suffix."""
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[samples.shape[1]]
    with av.open(path, "w", options={"strict": "experimental"}) as container:
        stream = container.add_stream(codec, rate=rate_hz, layout=layout)
        context = stream.codec_context
        context.format = context.codec.audio_formats[0].name
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), "fltp", layout)
        frame.sample_rate = rate_hz
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _rendered(pool: AudioPool, source: Path, target: Path) -> Rendition:
    with target.open("xb") as file:
        return pool.render(source, file.write)


def _accepted(pool: AudioPool, path: Path) -> Accepted:
    probe = pool.probe(path)
    assert isinstance(probe, Accepted), probe
    return probe


def test_of_the_formats_of_the_corpus_browsers_play_all_but_aiff(
    pool: AudioPool, corpus: list[TrackTruth]
) -> None:
    verdicts = {truth.path.suffix: _accepted(pool, truth.path).playable for truth in corpus}
    assert verdicts == {suffix: suffix not in UNPLAYED for suffix in verdicts}
    assert len(verdicts) == 7


@pytest.mark.parametrize(
    ("suffix", "codec", "playable"),
    [
        ("wav", "pcm_u8", True),
        ("wav", "pcm_s24le", True),
        ("wav", "pcm_s32le", True),
        ("wav", "pcm_f32le", True),
        ("wav", "pcm_f64le", False),
        ("wav", "pcm_alaw", False),
        ("aac", "aac", True),
        ("m4a", "alac", False),
        ("aiff", "pcm_s16le", False),  # the same samples as in a WAV
        ("aiff", "pcm_s24be", False),
        ("w64", "pcm_s16le", False),
    ],
)
def test_container_and_codec_together_say_whether_browsers_play_a_file(
    pool: AudioPool, tmp_path: Path, suffix: str, codec: str, playable: bool
) -> None:
    probe = _accepted(pool, _write(tmp_path / f"a.{suffix}", tone(1), codec))
    assert (probe.audio.codec, probe.playable) == (codec, playable)


@pytest.mark.parametrize(("suffix", "codec"), [("aiff", "pcm_s16be"), ("m4a", "alac")])
def test_a_rendition_is_the_same_music(
    pool: AudioPool, tmp_path: Path, suffix: str, codec: str
) -> None:
    spec = TrackSpec("t", "a", "l", "House", "house", 124.0, "C minor", duration_s=14)
    source = _write(tmp_path / f"a.{suffix}", compose(spec), codec)
    target = tmp_path / "a.mp3"
    made = _rendered(pool, source, target)
    assert (made.media_type, made.channels, made.sample_rate_hz) == ("audio/mpeg", 2, 44_100)
    original, copy = _accepted(pool, source), _accepted(pool, target)
    assert copy.playable
    assert (copy.audio.codec, copy.audio.sample_rate_hz) == ("mp3", 44_100)
    assert copy.audio.duration_s == pytest.approx(original.audio.duration_s, abs=0.05)
    assert copy.audio.bitrate_bps == pytest.approx(256_000, rel=0.01)
    before, after = pool.analyse(source).measurement, pool.analyse(target).measurement
    assert after.tempo_bpm == pytest.approx(before.tempo_bpm, abs=0.3)
    assert after.key == before.key == "C minor"
    assert after.loudness_lufs == pytest.approx(before.loudness_lufs, abs=0.3)


@pytest.mark.parametrize(
    ("rate_hz", "channels", "gives"),
    [(22_050, 1, (44_100, 1)), (96_000, 2, (48_000, 2)), (48_000, 6, (48_000, 2))],
)
def test_any_rate_and_any_channels_become_what_mp3_can_hold(
    pool: AudioPool, tmp_path: Path, rate_hz: int, channels: int, gives: tuple[int, int]
) -> None:
    source = _write(tmp_path / "a.aiff", tone(2, channels=channels), "pcm_s24be", rate_hz)
    target = tmp_path / "a.mp3"
    _rendered(pool, source, target)
    copy = _accepted(pool, target).audio
    assert (copy.sample_rate_hz, copy.channels) == gives
    assert copy.duration_s == pytest.approx(2 * RATE / rate_hz, abs=0.06)


def test_a_browser_finds_any_second_by_counting_bytes(pool: AudioPool, tmp_path: Path) -> None:
    """Ten seconds of silence, then a tone: half of the file's bytes is half of its time."""
    samples = np.concatenate((tone(10, level=0), tone(10)))
    source = write_encoded(tmp_path / "a.aiff", samples)
    target = tmp_path / "a.mp3"
    _rendered(pool, source, target)
    data = target.read_bytes()
    half = tmp_path / "half.mp3"
    half.write_bytes(data[len(data) // 2 :])
    assert _accepted(pool, half).audio.duration_s == pytest.approx(10, abs=0.1)
    assert pool.analyse(half).measurement.loudness_lufs == pytest.approx(-6.7, abs=1)


def test_rendering_takes_no_more_memory_for_a_long_file(tmp_path: Path) -> None:
    """Five minutes are 106 MB as float32 and 10 MB as MP3."""
    source = write_wav(tmp_path / "a.wav", np.tile(tone(10, level=0.3), (30, 1)))
    others = set(psutil.Process().children(recursive=True))
    sent = 0
    most = 0
    pieces = itertools.count()

    def sink(chunk: bytes) -> None:
        nonlocal sent, most
        sent += len(chunk)
        if next(pieces) % 50 == 0:
            most = max(most, _child(others).memory_info().rss)

    with AudioPool(1, models=False) as fresh:
        fresh.render(source, sink)
    assert sent == pytest.approx(300 * 32_000, rel=0.01)
    assert most < CHILD_MEMORY_BYTES


def test_what_is_no_sound_is_refused_for_good(pool: AudioPool, tmp_path: Path) -> None:
    source = tmp_path / "a.aiff"
    source.write_bytes(b"this is only text, whatever its name says\n" * 100)
    given: list[bytes] = []
    with pytest.raises(AudioRefused) as refusal:
        pool.render(source, given.append)
    assert (refusal.value.code, refusal.value.retryable, given) == ("not-audio", False, [])


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Five minutes, which take some seconds to render."""
    return write_wav(tmp_path / "album.wav", np.tile(tone(10), (30, 1)))


def _child(others: set[psutil.Process]) -> psutil.Process:
    (child,) = set(psutil.Process().children(recursive=True)) - others
    return child


def test_a_child_killed_while_it_streams_is_a_retryable_error_and_the_pool_mends(
    tmp_path: Path, album: Path
) -> None:
    others = set(psutil.Process().children(recursive=True))
    with AudioPool(1, models=False) as pool:
        with pytest.raises(AnalyserCrashed) as crash:
            pool.render(album, lambda _: os.kill(_child(others).pid, signal.SIGKILL))
        assert crash.value.retryable
        source = write_encoded(tmp_path / "a.aiff", tone(1))
        assert _rendered(pool, source, tmp_path / "a.mp3").channels == 2


def test_a_pool_that_closes_says_nothing_of_the_file(album: Path) -> None:
    pool = AudioPool(1, models=False)
    begun = threading.Event()
    errors: list[BaseException] = []

    def ask() -> None:
        try:
            pool.render(album, lambda _: begun.set())
        except Exception as error:
            errors.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    assert begun.wait(WITHIN_S)
    pool.close()
    asking.join(WITHIN_S)
    assert isinstance(errors[0], AnalyserStopped)


@pytest.mark.parametrize(
    ("limits", "error"),
    [
        (
            Limits(0.2, 60, RENDER_LIMITS.memory_bytes, RENDER_LIMITS.streamed_bytes),
            AnalyserTimedOut,
        ),
        (Limits(60, 60, RENDER_LIMITS.memory_bytes, 100_000), AnalyserCrashed),
    ],
    ids=["time", "size"],
)
def test_a_rendition_is_limited(album: Path, limits: Limits, error: type[Exception]) -> None:
    others = set(psutil.Process().children(recursive=True))
    with AudioPool(1, models=False, render_limits=limits) as pool:
        with pytest.raises(error):
            pool.render(album, lambda _: None)
        deadline = time.monotonic() + WITHIN_S
        while set(psutil.Process().children(recursive=True)) - others:
            assert time.monotonic() < deadline, "the child lives on"
            threading.Event().wait(0.02)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="/proc is Linux")
def test_the_child_has_no_file_open_for_writing(album: Path) -> None:
    others = set(psutil.Process().children(recursive=True))
    writable: set[str] = set()
    limits: set[str] = set()
    pieces = itertools.count()

    def sink(_: bytes) -> None:
        if next(pieces) % 50:  # to look takes longer than to render a piece
            return
        child = _child(others)
        if os.geteuid() == 0:  # the child hides its descriptors from its own user
            writable.update(file.path for file in child.open_files() if file.mode != "r")
        of_files = re.search(r"Max file size +(.*?) *\n", _limits(child))
        limits.add(of_files[1] if of_files else "none")

    with AudioPool(1, models=False) as pool:
        pool.render(album, sink)
    assert next(pieces) > 100
    assert writable == set()
    assert {tuple(limit.split()[:2]) for limit in limits} == {("0", "0")}


def _limits(process: psutil.Process) -> str:
    return Path(f"/proc/{process.pid}/limits").read_text()


def test_a_sink_that_fails_ends_the_child_and_its_error_is_the_callers(album: Path) -> None:
    def full(_: bytes) -> None:
        raise OSError(28, "No space left on device")

    with AudioPool(1, models=False) as pool:
        with pytest.raises(OSError, match="No space left"):
            pool.render(album, full)
        assert _accepted(pool, album).playable
