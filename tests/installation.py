"""One real installation, driven by its command line as a user drives it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime.engines.postgres import EmbeddedPostgres
from runtime.installation import ROOT
from runtime.settings import load_settings
from runtime.state import RunState
from runtime.status import describe, describe_part

PATIENCE_S = 90.0


@dataclass(frozen=True)
class Installation:
    """`installation("log", "verify")` runs that command on it and expects its exit code."""

    data: Path

    def __call__(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "runtime", *arguments, "--data", str(self.data)],
            cwd=ROOT,
            # Networks that nothing here looks at: 5 s of start and work a track.
            env={"NOCULTURE_ANALYSIS_MODELS": "off", **os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=280,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def json(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self(*arguments, "--json", code=code).stdout)
        return answer

    def status(self) -> dict[str, Any]:
        """What `status --json` prints, without a process of its own: who waits asks often, and
        three a second took most of a core.
        """
        return describe(self.data)

    @property
    def postgres(self) -> EmbeddedPostgres:
        """The server that runs there, to reach it as any role."""
        secrets = load_settings(self.data).secrets
        return EmbeddedPostgres(self.data / "postgres", secrets=secrets).known_port()

    def kafka_auditor(self) -> dict[str, Any]:
        """Settings of a client that may read every topic, from what `status --secrets` says."""
        kafka = self.json("status", "--secrets")["secrets"]["kafka"]
        names = {
            "bootstrap": "bootstrap_servers",
            "username": "sasl_plain_username",
            "password": "sasl_plain_password",
        }
        return {names.get(name, name): value for name, value in kafka.items()}

    def parts(self) -> list[dict[str, Any]]:
        """Those of `status`, without its questions to the database: who waits asks often."""
        run_dir = self.data / "run"
        state = RunState.read(run_dir)
        shown = [part for part in state.parts if part.state != "done"] if state else []
        return [describe_part(part, run_dir) for part in shown]

    def part(self, name: str) -> dict[str, Any]:
        return next(part for part in self.parts() if part["name"] == name)

    def all_running(self) -> bool:
        parts = self.parts()
        return bool(parts) and all(part["state"] == "running" for part in parts)


def eventually(condition: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen in {patience_s:.0f} s"
        time.sleep(0.1)
