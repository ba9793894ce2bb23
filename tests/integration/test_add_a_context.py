"""docs/add-a-context.md, followed to the letter in a copy of the repository."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from runtime.suite.area import area_tests

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "add-a-context.md"
NEW_FILE = re.compile(r"^### A new file: `(?P<path>[^`]+)`$")
BEHIND = re.compile(r"^### `(?P<path>[^`]+)`, behind `(?P<text>.+)`$")
FENCE = re.compile(r"^```(\w*)$")


@dataclass
class Step:
    """One fenced block and the last heading over it; `path` is None for shell commands."""

    language: str
    lines: list[str]
    path: str | None = None
    behind: str | None = None

    @property
    def commands(self) -> list[str]:
        return "\n".join(self.lines).replace("\\\n", " ").splitlines()


def steps_of_the_page() -> Iterator[Step]:
    step: Step | None = None
    path = behind = None
    for line in PAGE.read_text("utf-8").splitlines():
        if step is not None:
            if line == "```":
                yield step
                step = path = behind = None
            else:
                step.lines.append(line)
        elif new := NEW_FILE.match(line):
            path, behind = new["path"], None
        elif changed := BEHIND.match(line):
            path, behind = changed["path"], changed["text"]
        elif fence := FENCE.match(line):
            step = Step(fence[1], [], path, behind)


@dataclass
class Copy:
    """The repository as somebody has it who starts to add a context."""

    root: Path

    def apply(self, step: Step) -> None:
        assert step.path is not None
        file, block = self.root / step.path, "\n".join(step.lines)
        if step.behind is None:
            assert not file.exists(), f"{step.path} is there already"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block + "\n", "utf-8")
            return
        text = file.read_text("utf-8")
        assert step.behind in text, f"{step.path} has no {step.behind!r} any more"
        file.write_text(text.replace(step.behind, f"{step.behind}\n{block}", 1), "utf-8")

    def run(self, command: str) -> None:
        programs = Path(sys.executable).parent
        done = subprocess.run(
            shlex.split(command),
            cwd=self.root,
            env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def left_out(folder: str, names: list[str]) -> set[str]:
    """Caches, and what released versions have stored: neither is of use here."""
    caches = shutil.ignore_patterns(".*", "__pycache__", "node_modules")(folder, names)
    return {*names} if folder.endswith("fixtures/released") else caches


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    root = tmp_path_factory.mktemp("copy") / "repository"
    shutil.copytree(ROOT, root, ignore=left_out, symlinks=True)
    # Rules of the house read the files that git knows: no caches.
    shutil.copy(ROOT / ".gitignore", root)
    if (ROOT / ".mypy_cache").is_dir():
        # Libraries need not be read again: mypy takes 2 s with it, 20 s without.
        shutil.copytree(ROOT / ".mypy_cache", root / ".mypy_cache")
    copy = Copy(root)
    copy.run("git init --quiet")
    for step in steps_of_the_page():
        if step.language == "sh":
            for command in step.commands:
                copy.run(command)
        else:
            copy.apply(step)
    return copy


def test_the_commands_of_the_page_run_and_publish_the_context(copy: Copy):
    """Rooms, types, all tests that a new context can break: the page's own commands run them."""
    published = copy.root / "schemas"
    for name in ("loan.opened.v1.json", "loan.returned.v1.json"):
        assert (published / "json" / name).is_file()
        assert (published / "golden" / name).is_file()
        assert name in (published / "golden.lock").read_text("utf-8")
    assert "noculture.events.loan" in (published / "asyncapi.yaml").read_text("utf-8")
    assert "/api/loans/{loan_id}/return" in (published / "openapi.json").read_text("utf-8")
    assert "A member took a copy home." in (copy.root / "docs/glossary.md").read_text("utf-8")


def test_the_new_area_is_tested_like_any_other(copy: Copy):
    """`./noculture test --area lending` finds its tests."""
    tests = {step.path for step in steps_of_the_page() if step.path and "/test_" in step.path}
    assert len(tests) == 3
    assert {*area_tests(copy.root, "lending")} == tests


def test_two_files_that_are_there_are_touched(copy: Copy):
    touched = {step.path for step in steps_of_the_page() if step.behind}
    assert touched == {"events/ids.py", "runtime/areas/__init__.py"}
