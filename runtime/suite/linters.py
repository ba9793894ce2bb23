"""ruff, mypy, and the table of who may import whom."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from runtime.cli.output import say
from runtime.installation import ROOT

CODE = (
    *("events", "aggregates", "commands", "sagas", "processors", "gateways", "projections"),
    *("read_api", "schemas", "kit", "web", "runtime", "tests", "tools", "benchmarks"),
)


def run_linters(environment: dict[str, str]) -> bool:
    """True if all are content."""
    imports = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    commands = [
        [sys.executable, "-m", "ruff", "check", *CODE],
        [sys.executable, "-m", "ruff", "format", "--check", *CODE],
        [sys.executable, "-m", "mypy"],
        [imports or "lint-imports"],
    ]
    clean = True
    for command in commands:
        if subprocess.run(command, cwd=ROOT, env=environment).returncode != 0:
            say(f"failed: {' '.join(command[1:4]) or 'lint-imports'}")
            clean = False
    return clean
