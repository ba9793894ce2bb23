"""Compiled code that processes share: made by one at a time, made again when it is broken."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import pytest

from gateways.audio.compiled import start_with
from gateways.audio.errors import AnalyserCrashed

CHILD = object()


def test_a_cache_that_ends_its_reader_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "beat_5f").mkdir()
    (tmp_path / "beat_5f" / "broken.nbc").write_bytes(b"broken")

    def start():
        if (tmp_path / "beat_5f").exists():
            raise AnalyserCrashed("exit status -11", -signal.SIGSEGV)
        return CHILD

    assert start_with(tmp_path, start) is CHILD


@pytest.mark.parametrize("exit_status", [None, 1, -signal.SIGKILL])
def test_a_start_that_failed_otherwise_leaves_the_cache_alone(
    tmp_path: Path, exit_status: int | None
) -> None:
    (tmp_path / "beat_5f").mkdir()

    def start():
        raise AnalyserCrashed("it did not start", exit_status)

    with pytest.raises(AnalyserCrashed):
        start_with(tmp_path, start)
    assert (tmp_path / "beat_5f").exists()


def test_a_child_that_ends_without_any_cache_is_not_started_again(tmp_path: Path) -> None:
    starts = []

    def start():
        starts.append(1)
        raise AnalyserCrashed("exit status -11", -signal.SIGSEGV)

    with pytest.raises(AnalyserCrashed):
        start_with(tmp_path, start)
    assert starts == [1]


def test_the_second_start_waits_for_the_first(tmp_path: Path) -> None:
    compiling, compiled = threading.Event(), threading.Event()
    order = []

    def first():
        compiling.set()
        assert compiled.wait(20)
        order.append("first")
        return CHILD

    def second():
        order.append("second")
        return CHILD

    threads = [threading.Thread(target=start_with, args=(tmp_path, first))]
    threads[0].start()
    assert compiling.wait(20)
    threads.append(threading.Thread(target=start_with, args=(tmp_path, second)))
    threads[1].start()
    threads[1].join(0.2)
    assert order == []
    compiled.set()
    for thread in threads:
        thread.join(20)
    assert order == ["first", "second"]
