"""Runs pytest, and what failed once more with nothing beside it.

A test that passes the second time is flaky: it is named in the last lines and in a file, and the
suite passes. It is a fault all the same, for whoever sees it to mend.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from runtime.cli.output import say
from runtime.installation import ROOT
from runtime.suite.outcome import OUTCOME

RESULTS = ROOT / "test-results"
FLAKY = RESULTS / "flaky.txt"
# Two cores are busy with two: three at once took as long (0 % idle, 50,000 switches a second).
WORKERS = 2
SIDE_BY_SIDE = ("-n", str(WORKERS), "--dist", "loadfile", "--no-loadscope-reorder")
# So many failures are a broken change or machine, not chance.
MOST_AGAIN = 20
PASSED, FAILED, NOTHING_COLLECTED = 0, 1, 5


@dataclass(frozen=True)
class Outcome:
    """How a run ended; `failed` holds ids of tests, or of files that could not be read."""

    code: int
    passed: int = 0
    skipped: int = 0
    failed: tuple[str, ...] = ()


def run_suite(folders: list[str], environment: dict[str, str]) -> int:
    """Runs the folders side by side, then what failed once more. Returns an exit code."""
    FLAKY.unlink(missing_ok=True)
    first = run_pytest([*folders, *SIDE_BY_SIDE], environment)
    if first.code == NOTHING_COLLECTED:
        say("no test was found")
    if first.code != FAILED or not 0 < len(first.failed) <= MOST_AGAIN:
        return first.code
    print(f"\n{len(first.failed)} failed; once more, with nothing beside:", flush=True)
    again = run_pytest([*first.failed], environment)
    if again.code not in (PASSED, FAILED):
        return again.code
    flaky = [each for each in first.failed if each not in again.failed]
    _tell(flaky, again.failed, first)
    return again.code


def run_pytest(words: list[str], environment: dict[str, str]) -> Outcome:
    """`words` are pytest's. The closing lines are pytest's own."""
    with tempfile.TemporaryDirectory(prefix="noculture-test-") as folder:
        told = Path(folder) / "outcome.json"
        sys.stdout.flush()
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "runtime.suite.outcome", *words],
            cwd=ROOT,
            env={**environment, OUTCOME: str(told)},
        )
        if not told.exists():
            return Outcome(done.returncode)
        found = json.loads(told.read_text())
    return Outcome(done.returncode, found["passed"], found["skipped"], tuple(found["failed"]))


def _tell(flaky: list[str], failed: tuple[str, ...], first: Outcome) -> None:
    for each in flaky:
        print(f"flaky: {each} failed, and passed alone. That is a fault: mend its cause.")
    if flaky:
        RESULTS.mkdir(exist_ok=True)
        FLAKY.write_text("".join(f"{each}\n" for each in flaky))
        print(f"named in {FLAKY.relative_to(ROOT)}")
    for each in failed:
        print(f"failed twice: {each}")
    print(
        f"{first.passed + len(flaky)} passed, {len(failed)} failed, {first.skipped} skipped",
        flush=True,
    )
