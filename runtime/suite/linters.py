"""ruff, mypy, and the table of who may import whom."""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from runtime.cli.output import say
from runtime.installation import ROOT

CODE = (
    *("events", "aggregates", "commands", "sagas", "processors", "gateways", "projections"),
    *("read_api", "schemas", "kit", "web", "runtime", "tests", "tools", "benchmarks"),
)


def run_linters(environment: dict[str, str]) -> bool:
    """True if all are content. They run side by side, for mypy takes one core a minute; what each
    has to say is printed whole.
    """
    imports = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    commands = [
        [sys.executable, "-m", "ruff", "check", *CODE],
        [sys.executable, "-m", "ruff", "format", "--check", *CODE],
        [imports or "lint-imports"],
        [sys.executable, "-m", "mypy"],
    ]
    with ThreadPoolExecutor(len(commands)) as pool:
        done = list(pool.map(partial(_run, environment=environment), commands))
    for command, linter in zip(commands, done, strict=True):
        sys.stdout.write(linter.stdout)
        if linter.returncode != 0:
            say(f"failed: {' '.join(command[1:4]) or 'lint-imports'}")
    sys.stdout.flush()
    return all(linter.returncode == 0 for linter in done)


def _run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
