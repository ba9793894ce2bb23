"""A worker that is killed inside a step of a lane loses and doubles nothing: whoever comes next
finds the rows as they were before the step, or behind it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from psycopg_pool import ConnectionPool

from events.log.postgres import StoreLog
from events.log.progress import LogProgress
from processors.rebuild import Rebuilder
from runtime.installation import ROOT
from tests.conftest import Database
from tests.integration.consumers.stepping_process import STEPS, Steady
from tests.integration.consumers.support import (
    Tally,
    Writer,
    caught_up,
    eventually,
    make_tally,
    running,
    tallied,
)


@pytest.mark.parametrize("step", STEPS)
def test_a_worker_killed_inside_a_step_loses_and_doubles_nothing(
    step: str,
    database: Database,
    pool: ConnectionPool,
    writer: Writer,
    store_log: StoreLog,
    progress: LogProgress,
    rebuilder: Rebuilder,
):
    make_tally(pool)
    head = writer.lives(20)
    with running([Steady()], store_log, pool, rebuilder):
        caught_up(progress, "steady", head, 20)
    program = "tests.integration.consumers.stepping_process"
    child = subprocess.Popen(
        [sys.executable, "-m", program, database.worker_url, step],
        cwd=ROOT,
        env=os.environ,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    try:
        if step.startswith("leaving"):
            eventually(lambda: len(tallied(pool)) == head)
            writer.upload("poison.wav")
        assert child.stdout.readline() == "parked\n"
    finally:
        child.kill()
        died_of = child.wait()
        child.stdout.close()
    assert died_of == -signal.SIGKILL
    corrected = Tally(indigestible="nothing")
    with running([Steady(), corrected], store_log, pool, rebuilder):
        last = writer.lives(5, seed=2)
        caught_up(progress, "tally", last, 20)
        caught_up(progress, "steady", last, 20)
    assert tallied(pool) == list(range(1, last + 1))
