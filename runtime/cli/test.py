"""`test [LEVEL…]`: linters, then pytest, whose summary closes the output."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from runtime.browser import get_browser
from runtime.cli.output import say
from runtime.installation import ROOT

app = typer.Typer(pretty_exceptions_enable=False)
LEVELS = ("unit", "integration", "kafka", "e2e", "faults")
CODE = (
    *("events", "aggregates", "commands", "sagas", "processors", "gateways", "projections"),
    *("read_api", "schemas", "kit", "web", "runtime", "tests", "tools"),
    "benchmarks",
)
NOTHING_COLLECTED = 5
# Two cores are busy with two: three at once took as long (0 % idle, 50,000 switches a second).
WORKERS = 2


@app.command("test", context_settings={"ignore_unknown_options": True})
def run_suite(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[LEVEL…]", help=f"Of {', '.join(LEVELS)}; the rest is pytest's."),
    ] = None,
) -> None:
    """Run the test suite, or the levels that are named."""
    chosen = [word for word in words or [] if word in LEVELS] or list(LEVELS)
    for_pytest = [word for word in words or [] if word not in LEVELS]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    if "e2e" in chosen:
        environment["NOCULTURE_BROWSER"] = str(
            get_browser(os.environ.get("NOCULTURE_BROWSER", ""), say)
        )
    clean = "unit" not in chosen or run_linters(environment)
    code = run_pytest(chosen, for_pytest, environment)
    raise typer.Exit(code if code else int(not clean))


def run_linters(environment: dict[str, str]) -> bool:
    """ruff, mypy and the table of who may import whom. True if all are content."""
    code = [folder for folder in CODE if (ROOT / folder).is_dir()]
    bin_dir = Path(sys.executable).parent
    commands = [
        [sys.executable, "-m", "ruff", "check", *code],
        [sys.executable, "-m", "ruff", "format", "--check", *code],
        [sys.executable, "-m", "mypy"],
    ]
    if (ROOT / ".importlinter").exists() or "[tool.importlinter]" in _project_file():
        commands.append([shutil.which("lint-imports", path=str(bin_dir)) or "lint-imports"])
    clean = True
    for command in commands:
        done = subprocess.run(command, cwd=ROOT, env=environment)
        if done.returncode != 0:
            say(f"failed: {' '.join(command[1:4])}")
            clean = False
    return clean


def run_pytest(chosen: list[str], extra: list[str], environment: dict[str, str]) -> int:
    """All levels in one run, so that its last lines count everything. No test at all fails."""
    folders = [f"tests/{level}" for level in chosen if (ROOT / "tests" / level).is_dir()]
    command = [sys.executable, "-m", "pytest", *folders, *(extra or in_parallel())]
    sys.stdout.flush()
    code = subprocess.run(command, cwd=ROOT, env=environment).returncode
    if code == NOTHING_COLLECTED:
        say("no test was found")
    return code


def in_parallel() -> list[str]:
    """Two files at once, each with engines of its own, as tests/conftest.py groups them; one
    after another when pytest's words are given.
    """
    return ["-n", str(WORKERS), "--dist", "loadfile", "--no-loadscope-reorder"]


def _project_file() -> str:
    return (ROOT / "pyproject.toml").read_text()
