"""docs/add-a-context.md, followed to the letter in a copy of the repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Database

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "add-a-context.md"
NEW_FILE = re.compile(r"^### A new file: `(?P<path>[^`]+)`$")
BEHIND = re.compile(r"^### `(?P<path>[^`]+)`, behind `(?P<text>.+)`$")
FENCE = re.compile(r"^```(\w*)$")

# What somebody does who has just followed the page: over HTTP, with the worker's own consumers.
TRY_IT = """
import os, sys, threading
from datetime import date, timedelta
from pathlib import Path
from fastapi.testclient import TestClient
from events.log.tail import LogTail
from runtime.app import build_app
from runtime.composition import new_wakes, open_core, open_event_log
from runtime.consumers import engine
from runtime.settings import load_settings

settings = load_settings(
    data=Path(sys.argv[1]),
    app_database_url=os.environ["APP"],
    worker_database_url=os.environ["WORKER"],
    event_log="postgres",
)
with (
    open_core(settings) as core,
    open_core(settings, acting="worker") as behind,
    open_event_log(behind) as event_log,
):
    tail, stop = LogTail(core.url), threading.Event()
    worker = threading.Thread(target=engine(behind, event_log, new_wakes()).run, args=(stop,))
    worker.start()
    try:
        client = TestClient(build_app(core, tail))
        signed_up = client.post(
            "/api/accounts",
            json={"email": "ada@example.org", "password": "a long password", "name": "Ada"},
        )
        assert signed_up.status_code == 201, signed_up.text
        loan = {
            "copy_name": "Night Bus, score",
            "member_name": "Ada",
            "due_on": str(date.today() + timedelta(days=14)),
        }
        opened = client.post("/api/loans", json=loan, headers={"Idempotency-Key": "k1"})
        assert opened.status_code == 201, opened.text
        again = client.post("/api/loans", json=loan, headers={"Idempotency-Key": "k1"})
        assert again.json() == opened.json(), again.text
        lent = client.post("/api/loans", json=loan)
        assert (lent.status_code, lent.json()["code"]) == (409, "claim-taken"), lent.text
        late = client.post("/api/loans", json={**loan, "copy_name": "b", "due_on": "2099-01-01"})
        assert (late.status_code, late.json()["code"]) == (422, "loan-too-long"), late.text

        def listed(change):
            waiting = {"Min-Position": change.headers["Event-Position"], "Prefer": "wait=20"}
            answer = client.get("/api/loans", headers=waiting)
            assert answer.status_code == 200, answer.text
            return [(each["id"], each["returned"]) for each in answer.json()["items"]]

        loan_id = opened.json()["id"]
        assert listed(opened) == [(loan_id, False)]
        returned = client.post(f"/api/loans/{loan_id}/return")
        assert returned.status_code == 204, returned.text
        assert listed(returned) == [(loan_id, True)]
        stored = core.log.events.after(0, 100, categories=["loan"])
        assert [event.type for event in stored] == ["loan.opened", "loan.returned"]
        assert b"Ada" not in stored[0].data
    finally:
        stop.set()
        worker.join(30)
        tail.close()
print("all of it")
"""


@dataclass
class Step:
    """One fenced block and the last heading over it; `path` is None for shell commands."""

    language: str
    lines: list[str]
    path: str | None = None
    behind: str | None = None


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

    def run(self, *command: str, **environment: str) -> str:
        programs = Path(sys.executable).parent
        done = subprocess.run(
            command,
            cwd=self.root,
            env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", **environment},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    root = tmp_path_factory.mktemp("copy") / "repository"
    left_out = shutil.ignore_patterns(".*", "__pycache__", "released", "node_modules")
    shutil.copytree(ROOT, root, ignore=left_out, symlinks=True)
    if (ROOT / ".mypy_cache").is_dir():
        # Libraries need not be read again: mypy takes 2 s with it, 20 s without.
        shutil.copytree(ROOT / ".mypy_cache", root / ".mypy_cache")
    copy = Copy(root)
    for step in steps_of_the_page():
        if step.language == "sh":
            for command in step.lines:
                copy.run(*command.split())
        else:
            copy.apply(step)
    return copy


def test_the_commands_of_the_page_run_and_publish_the_context(copy: Copy):
    """Rooms, types, specifications: all of them are among the page's own commands."""
    published = copy.root / "schemas"
    for name in ("loan.opened.v1.json", "loan.returned.v1.json"):
        assert (published / "json" / name).is_file()
        assert (published / "golden" / name).is_file()
        assert name in (published / "golden.lock").read_text("utf-8")
    assert "noculture.events.loan" in (published / "asyncapi.yaml").read_text("utf-8")
    assert "/api/loans/{loan_id}/return" in (published / "openapi.json").read_text("utf-8")
    assert "A member took a copy home." in (copy.root / "docs/glossary.md").read_text("utf-8")


def test_what_the_page_adds_passes_the_linter(copy: Copy):
    paths = {step.path for step in steps_of_the_page() if step.path}
    copy.run("ruff", "check", *sorted(path for path in paths if path.endswith(".py")))


def test_a_loan_is_opened_read_and_returned_over_http(
    copy: Copy, database: Database, tmp_path: Path
):
    said = copy.run(
        sys.executable,
        "-c",
        TRY_IT,
        str(tmp_path),
        APP=database.app_url,
        WORKER=database.worker_url,
    )
    assert said.endswith("all of it\n")
