"""A part that runs but does not answer is ended, with a word of what it did, and started again."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from runtime import supervised
from runtime.supervised import UNANSWERED_LOOKS, Part

TELLS = (
    "import signal, sys, time;"
    "signal.signal(signal.SIGQUIT, lambda *_: (open(sys.argv[1], 'w').write('dump'), None)[1]);"
    "print('up', flush=True); time.sleep(60)"
)


class Program:
    """A real process; ready when it has said so."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "program.log"
        self.dump = folder / "dump"
        self.log.write_text("its last line\n")
        self.child: subprocess.Popen[bytes] | None = None
        self.launched = 0

    def prepare(self, said: Callable[[str], None]) -> None:
        """Nothing to prepare."""

    def launch(self) -> None:
        self.child = subprocess.Popen(
            [sys.executable, "-c", TELLS, str(self.dump)], stdout=subprocess.PIPE
        )
        assert self.child.stdout is not None
        self.child.stdout.readline()
        self.launched += 1

    def became_ready(self) -> bool:
        return True

    def stop(self) -> None:
        if self.child:
            self.child.kill()
            self.child.wait()


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    program = Program(tmp_path)
    yield program
    program.stop()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


def look(part: Part, pool: ThreadPoolExecutor) -> None:
    """One look: asked in one step, its answer taken in the next."""
    part.step(set(), pool)
    pool.submit(lambda: None).result()
    part.step(set(), pool)


def running(program: Program, pool: ThreadPoolExecutor, answers: Callable[[], bool]) -> Part:
    part = Part("kafka", program, answers=answers)
    while part.shown.state != "running":
        part.step(set(), pool)
    return part


def test_a_part_that_never_answers_is_ended_and_started_again(
    program: Program, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(supervised, "LOOK_S", 0.0)
    part = running(program, pool, lambda: False)
    first = program.child
    for _ in range(UNANSWERED_LOOKS):
        look(part, pool)
    assert part.shown.state == "restarting"
    assert "did not answer" in (part.shown.detail or "")
    assert first is not None
    assert first.returncode == -signal.SIGKILL
    assert program.dump.read_text() == "dump"
    while part.shown.state != "running":
        part.step(set(), pool)
    assert program.launched == 2


def test_one_answer_makes_up_for_all_the_silence_before(
    program: Program, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(supervised, "LOOK_S", 0.0)
    answers = iter([*[False] * (UNANSWERED_LOOKS - 1), True, *[False] * (UNANSWERED_LOOKS - 1)])
    part = running(program, pool, lambda: next(answers))
    for _ in range(2 * UNANSWERED_LOOKS - 1):
        look(part, pool)
    assert part.shown.state == "running"
    assert program.launched == 1


def test_a_supervisor_that_was_frozen_itself_blames_nobody(
    program: Program, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
):
    part = running(program, pool, lambda: True)
    now = supervised.time.monotonic()
    monkeypatch.setattr(supervised.time, "monotonic", lambda: now + 3_600)
    look(part, pool)
    assert part.shown.state == "running"
