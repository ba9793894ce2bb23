"""The tortured installation: started as a child, asked by its command line, stopped in any case."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from runtime.engines.child import choose_free_port, spawn
from runtime.errors import RuntimeProblem
from runtime.installation import PREFIX, ROOT
from runtime.secret_files import SecretFiles
from runtime.state import PartState, RunState

START_PATIENCE_S = 180.0
STOP_PATIENCE_S = 60.0
# Settings of this machine; all others would point at somebody's own database or broker.
KEPT_SETTINGS = {f"{PREFIX}CACHE_DIR", f"{PREFIX}ANALYSIS_MODELS"}


class Hung(RuntimeProblem):
    """A wait was over before what it waited for came."""

    code = "torture-hung"

    def __init__(self, what: str, patience_s: float, detail: str = "") -> None:
        told = f": {detail}" if detail else ""
        super().__init__(f"{what} did not happen in {patience_s:.0f} s{told}")


def wait_for(
    condition: Callable[[], bool],
    what: str,
    patience_s: float,
    detail: Callable[[], str] = lambda: "",
) -> None:
    """Raises Hung."""
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            raise Hung(what, patience_s, detail())
        time.sleep(0.1)


class Tortured:
    """One installation in a folder of its own, always under the same port."""

    def __init__(self, data: Path, event_log: str) -> None:
        self.data, self.event_log = data, event_log
        self.port = choose_free_port()
        self.web = f"http://127.0.0.1:{self.port}"
        self.secrets = SecretFiles(data / "secrets")
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(PREFIX) or name in KEPT_SETTINGS
        } | {f"{PREFIX}DATA": str(data), "PYTHONPATH": str(ROOT)}

    def start(self) -> None:
        """Call it from the main thread: the supervisor ends with the thread that started it."""
        options = ["--port", str(self.port), "--event-log", self.event_log]
        self._supervisor = spawn(
            [sys.executable, "-m", "runtime", "supervise", *options],
            cwd=ROOT,
            log=self.data / "logs" / "supervisor.log",
            orphan_signal=signal.SIGTERM,
            env=self._environment,
        )
        wait_for(self._is_ready, "a start", START_PATIENCE_S, self.describe)

    def _is_ready(self) -> bool:
        assert self._supervisor is not None
        state = self.state()
        if self._supervisor.poll() is not None:
            told = state.error.message if state and state.error else "no reason given"
            raise RuntimeProblem(f"The supervisor gave up: {told}")
        return bool(state and state.pid == self._supervisor.pid and state.ready)

    def state(self) -> RunState | None:
        return RunState.read(self.data / "run")

    def parts(self) -> list[PartState]:
        state = self.state()
        return [part for part in state.parts if part.name != "migrations"] if state else []

    def all_running(self) -> bool:
        parts = self.parts()
        return bool(parts) and all(part.state == "running" for part in parts)

    def wait_until_whole(self) -> None:
        """Every part runs again. Raises Hung."""
        wait_for(self.all_running, "every part running again", START_PATIENCE_S, self.describe)

    def describe(self) -> str:
        return "; ".join(f"{part.name} {part.state} {part.detail or ''}" for part in self.parts())

    def process(self, name: str) -> psutil.Process | None:
        """A live part, or `supervisor`."""
        if name == "supervisor":
            assert self._supervisor is not None
            return psutil.Process(self._supervisor.pid)
        part = next((p for p in self.parts() if p.name == name and p.pid and p.started), None)
        try:
            process = psutil.Process(part.pid) if part else None
            if process and part and abs(process.create_time() - (part.started or 0)) < 1:
                return process
        except psutil.Error:
            pass
        return None

    def supervisor_ended(self) -> bool:
        return self._supervisor is None or self._supervisor.poll() is not None

    def database_url(self) -> str:
        state = self.state()
        if state is None or state.database_url is None:
            raise RuntimeProblem("The database is not running")
        return state.database_url

    def json(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> dict[str, Any]:
        """Reads what a command prints with --json. Raises RuntimeProblem on another exit code."""
        done = subprocess.run(
            [sys.executable, "-m", "runtime", *arguments, "--json"],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=600,
        )
        if done.returncode not in codes:
            told = (done.stdout + done.stderr)[-600:]
            raise RuntimeProblem(f"`{' '.join(arguments)}` ended with {done.returncode}: {told}")
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def lines(self, module: str) -> Iterator[dict[str, Any]]:
        """Reads what a module prints as JSON Lines."""
        with subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT,
            env=self._environment,
            stdout=subprocess.PIPE,
        ) as child:
            assert child.stdout is not None
            for line in child.stdout:
                yield json.loads(line)
        if child.returncode:
            raise RuntimeProblem(f"{module} ended with {child.returncode}")

    def stop(self) -> None:
        """In order if it can, else by force; only what this installation started."""
        supervisor = self._supervisor
        if supervisor is None:
            return
        left = self._own_processes()
        if supervisor.poll() is None:
            supervisor.terminate()
            try:
                supervisor.wait(STOP_PATIENCE_S)
            except subprocess.TimeoutExpired:
                supervisor.kill()
                supervisor.wait(10)
        for process in left:
            try:
                if process.is_running():
                    process.kill()
            except psutil.Error:
                continue
        psutil.wait_procs(left, timeout=10)

    def _own_processes(self) -> list[psutil.Process]:
        """The parts and their children, by pid and start time."""
        found: list[psutil.Process] = []
        for part in self.parts():
            process = self.process(part.name)
            if process is not None:
                try:
                    found += [process, *process.children(recursive=True)]
                except psutil.Error:
                    continue
        return found
