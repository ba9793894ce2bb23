"""Readiness sees parts that are stalled or end again and again, and forgives a single restart."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.heartbeat import FRESH_S
from runtime.state import STEADY_AFTER_S, PartState, RunState, supervisor_lock
from runtime.status import LOOPS_AFTER, SILENT_LOOKS, failing_parts
from runtime.supervised import _waits_for_recovery


@pytest.fixture
def run_dir(tmp_path: Path) -> Iterator[Path]:
    lock = supervisor_lock(tmp_path)
    lock.take()
    yield tmp_path
    lock.release()


def told(run_dir: Path, beat_s_ago: float = 0.0, **part: object) -> str | None:
    """What readiness says of a worker like this, in a process of this pid."""
    worker = PartState("worker", **{"pid": os.getpid(), "state": "running", **part})
    RunState(1, "1", str(run_dir), "", "kafka", parts=[worker]).write(run_dir)
    beat = {"pid": os.getpid(), "state": "running", "lag": 0, "detail": None}
    beat["at"] = time.time() - beat_s_ago
    (run_dir / "worker.json").write_text(json.dumps(beat))
    return failing_parts(run_dir)


def test_a_worker_in_an_endless_crash_loop_is_not_ready(run_dir: Path):
    """Readiness answered 200 all the while."""
    young = time.time() - STEADY_AFTER_S / 2
    ended = told(run_dir, pid=None, state="restarting", failures=LOOPS_AFTER)
    again = told(run_dir, started=young, failures=LOOPS_AFTER)
    assert ended == again == "worker: ends soon after each start, 3 times"


def test_one_restart_is_no_alarm_and_a_long_run_ends_it(run_dir: Path):
    assert told(run_dir, pid=None, state="restarting", failures=1) is None
    steady = time.time() - STEADY_AFTER_S - 1
    assert told(run_dir, started=steady, failures=LOOPS_AFTER + 5) is None


def test_a_worker_that_says_nothing_any_more_is_not_ready(run_dir: Path):
    assert told(run_dir) is None
    assert told(run_dir, beat_s_ago=FRESH_S + 1) == (
        "worker: it has not said anything for ten seconds"
    )


def test_a_broker_that_stands_still_is_not_ready(run_dir: Path):
    """Stopped for 43 seconds it was called ready throughout."""
    assert told(run_dir, unanswered=1) is None
    assert told(run_dir, unanswered=SILENT_LOOKS) == "worker: does not answer"


def test_without_a_supervisor_there_is_nothing_to_say(tmp_path: Path):
    assert failing_parts(tmp_path) is None


def test_an_api_that_serves_is_up_whatever_other_parts_do():
    def waits(*reasons: str) -> bool:
        return _waits_for_recovery(json.dumps({"reasons": dict.fromkeys(reasons, "x")}).encode())

    assert waits("parts")
    assert waits("relay", "consumers", "parts")
    assert not any(waits(*named) for named in (["database"], ["parts", "database"], ["consumers"]))
