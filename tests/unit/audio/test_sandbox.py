"""The child has no network, no secrets, little time; the pool outlives whatever happens to it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from gateways.audio.errors import AnalyserCrashed, AnalyserStopped, AnalyserTimedOut
from gateways.audio.facts import Accepted, Refused
from gateways.audio.pool import AudioPool
from gateways.audio.sandbox import PROBE_LIMITS, Hearing, Limits, Sandbox
from tests.fixtures.audio_corpus import tone, write_encoded, write_wav

ROOT = Path(__file__).resolve().parents[3]
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="namespaces and seccomp are Linux")


def _until(condition: Callable[[], bool], within_s: float = 20) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        threading.Event().wait(0.01)


_others: set[int] = set()  # children of pools that other tests of the session keep warm


@pytest.fixture(autouse=True)
def _ignore_other_pools() -> None:
    _others.clear()
    _others.update(_children())


def _children() -> set[int]:
    return {
        process.pid
        for process in psutil.Process().children(recursive=True)
        if "gateways.audio.child" in " ".join(process.cmdline())
    } - _others


@pytest.fixture
def song(tmp_path: Path) -> Path:
    return write_wav(tmp_path / "song.wav", tone(2))


@pytest.fixture
def long_song(tmp_path: Path) -> Path:
    """An hour of MP3, which takes some three seconds to decode."""
    path = write_encoded(tmp_path / "long.mp3", tone(20))
    path.write_bytes(path.read_bytes() * 180)
    return path


_LOCKED_DOWN = """
import os, socket
from gateways.audio import lockdown
from gateways.audio.cage import network
if not {namespace}:
    network.leave_network = lambda **_: False
parent = os.getppid()
steps = lockdown.before_imports(parent, 2)
steps += lockdown.before_files(parent, 2**30, 60)
print(steps)
for attempt in (
    lambda: socket.socket().connect(("127.0.0.1", {port})),
    lambda: os.execv("/bin/true", ["true"]),
    lambda: os.kill(os.getppid(), 15),
    lambda: os.write(os.open("{folder}/written", os.O_CREAT | os.O_WRONLY), b"x" * 9),
):
    try:
        attempt()
        print("DONE")
    except OSError as error:
        print("refused", error.errno)
"""


@linux_only
@pytest.mark.parametrize("namespace", [True, False], ids=["namespace", "seccomp alone"])
def test_a_locked_down_process_reaches_no_network_and_starts_and_writes_nothing(
    tmp_path: Path, namespace: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        port = server.getsockname()[1]
        code = _LOCKED_DOWN.format(port=port, folder=tmp_path, namespace=namespace)
        ran = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
        )
        with pytest.raises(TimeoutError):
            server.accept()
    steps, *attempts = ran.stdout.splitlines()
    if "seccomp" in steps:
        assert [line.split()[0] for line in attempts] == ["refused"] * 4, ran.stdout
    else:
        assert "network namespace" in steps
        assert attempts[0].startswith("refused")
    assert not (tmp_path / "written").exists() or (tmp_path / "written").stat().st_size == 0


@linux_only
def test_the_running_child_has_another_network_and_says_so(song: Path) -> None:
    with AudioPool(1) as pool:
        assert isinstance(pool.probe(song), Accepted)
        assert "seccomp" in pool.isolation() or "network namespace" in pool.isolation()
        (child,) = _children()
        if "network namespace" in pool.isolation() and os.geteuid() == 0:  # it hides from equals
            ours = os.readlink("/proc/self/ns/net")
            assert os.readlink(f"/proc/{child}/ns/net") != ours
        if "seccomp" in pool.isolation():
            status = Path(f"/proc/{child}/status").read_text()
            assert "Seccomp:\t2" in status
            assert "CapEff:\t0000000000000000" in status


@linux_only
def test_the_child_lets_everything_else_go_first_whatever_session_it_is_in(song: Path) -> None:
    with AudioPool(1) as pool:
        assert isinstance(pool.probe(song), Accepted)
        (child,) = _children()
        assert os.getpriority(os.PRIO_PROCESS, child) - os.nice(0) == 5
        group = Path(f"/proc/{child}/autogroup")
        if group.exists():
            assert group.read_text().split()[1:] in ([], ["nice", "5"])


def test_a_warm_child_is_used_again(song: Path) -> None:
    with AudioPool(1) as pool:
        pool.probe(song)
        first = _children()
        pool.probe(song)
        assert _children() == first
    assert _children() == set()


def test_a_child_is_replaced_after_so_many_jobs(
    song: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateways.audio.sandbox.JOBS_PER_CHILD", 2)
    with AudioPool(1) as pool:
        pool.probe(song)
        first = _children()
        pool.probe(song)
        pool.probe(song)
        assert _children().isdisjoint(first)


def test_a_child_killed_at_work_is_a_retryable_error_and_the_pool_mends(
    song: Path, long_song: Path
) -> None:
    with AudioPool(1) as pool:
        pool.probe(song)
        (child,) = _children()
        errors: list[BaseException] = []
        asking = threading.Thread(target=_collect, args=(errors, lambda: pool.probe(long_song)))
        before_s = _cpu_s(child)
        asking.start()
        _until(lambda: _cpu_s(child) > before_s)
        os.kill(child, signal.SIGKILL)
        asking.join(timeout=30)
        assert isinstance(errors[0], AnalyserCrashed)
        assert errors[0].retryable
        assert isinstance(pool.probe(song), Accepted)
        assert _children() != {child}


def _cpu_s(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def _collect(errors: list[BaseException], ask: Callable[[], object]) -> None:
    try:
        ask()
    except Exception as error:
        errors.append(error)


def test_a_child_that_died_idle_is_not_noticed_by_the_next_caller(song: Path) -> None:
    with AudioPool(1) as pool:
        pool.probe(song)
        (child,) = _children()
        os.kill(child, signal.SIGKILL)
        _until(lambda: not psutil.pid_exists(child) or _is_zombie(child))
        assert isinstance(pool.probe(song), Accepted)


def _is_zombie(pid: int) -> bool:
    return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_an_answer_that_does_not_come_in_time_is_a_typed_error(song: Path, long_song: Path) -> None:
    hasty = Limits(wall_s=0.05, cpu_s=60, memory_bytes=PROBE_LIMITS.memory_bytes)
    with AudioPool(1, probe_limits=hasty) as pool:
        started = time.monotonic()
        with pytest.raises(AnalyserTimedOut) as late:
            pool.probe(long_song)
        assert late.value.retryable
        assert time.monotonic() - started < 20
        _until(lambda: _children() == set())


@linux_only
def test_a_file_that_burns_its_processor_time_is_refused(long_song: Path) -> None:
    frugal = Limits(wall_s=60, cpu_s=0, memory_bytes=PROBE_LIMITS.memory_bytes)
    with AudioPool(1, probe_limits=frugal) as pool:
        answer = pool.probe(long_song)
    assert isinstance(answer, Refused)
    assert answer.code == "limits-exceeded"


@linux_only
def test_a_child_dies_with_its_parent(tmp_path: Path, song: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom gateways.audio.pool import AudioPool\n"
        f"pool = AudioPool(1)\npool.probe(Path({str(song)!r}))\nprint('ready', flush=True)\n"
        "sys.stdin.read()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.PIPE
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"ready\n"
    (child,) = psutil.Process(parent.pid).children()
    parent.kill()
    parent.wait()
    _until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
    assert parent.stdin is not None
    parent.stdin.close()
    parent.stdout.close()


def test_children_started_for_a_thread_outlive_that_thread(song: Path) -> None:
    with AudioPool(1) as pool:
        thread = threading.Thread(target=pool.probe, args=(song,))
        thread.start()
        thread.join()
        first = _children()
        assert len(first) == 1
        pool.probe(song)
        assert _children() == first


def test_many_threads_share_few_children(song: Path) -> None:
    with AudioPool(2) as pool:
        answers: list[object] = []
        threads = [
            threading.Thread(target=lambda: answers.append(pool.probe(song))) for _ in range(12)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(answers) == 12
        assert all(isinstance(answer, Accepted) for answer in answers)
        assert len(_children()) <= 2


def test_a_missing_file_is_the_callers_error_and_costs_no_child(song: Path, tmp_path: Path) -> None:
    with AudioPool(1) as pool:
        pool.probe(song)
        before = _children()
        with pytest.raises(FileNotFoundError):
            pool.probe(tmp_path / "gone.mp3")
        assert isinstance(pool.probe(song), Accepted)
        assert _children() == before


def test_a_child_that_is_wanted_while_the_pool_closes_is_a_stop_and_no_failure(song: Path) -> None:
    class Ending:
        def submit(self, _start: object) -> None:
            pool.close()
            raise RuntimeError("cannot schedule new futures after shutdown")

    pool = AudioPool(1)
    pool._lanes["probe"]._starter = Ending()  # type: ignore[assignment]
    with pytest.raises(AnalyserStopped):
        pool.probe(song)


def test_a_child_that_cannot_start_says_why() -> None:
    with pytest.raises(AnalyserCrashed, match="did not start"):
        Sandbox("analyse", PROBE_LIMITS, Hearing(analyser="none"))  # type: ignore[arg-type]
