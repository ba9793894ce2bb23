"""The parts that the supervisor starts, watches and stops."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Protocol

import psutil

from runtime.engines.child import cap_log, last_line, spawn, stop_child
from runtime.heartbeat import is_fresh, read_heartbeat
from runtime.installation import PREFIX, ROOT
from runtime.rights import Roles
from runtime.settings import Settings, role_of
from runtime.state import STEADY_AFTER_S, PartState

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
PART_STOP_PATIENCE_S = 15.0
PREPARATION_PATIENCE_S = 3.0
LOOK_S = 5.0
# A minute: longer than what passes by itself, a busy machine or a frozen broker. Looks are counted,
# not seconds: a supervisor that was frozen itself has not looked.
UNANSWERED_LOOKS = 12
# One thread a process: the numeric libraries would otherwise each start one per core.
SINGLE_THREADED = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)

CORE = f"{PREFIX}CORE"


def core_of(part: str) -> int | None:
    """Gives the API the last core, the worker the first: both have many threads (kit/cores.py).
    None for other parts, and on one core. A part run by hand has the core it is told, or all.
    """
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return {"api": cores[-1], "worker": cores[0]}.get(part) if len(cores) > 1 else None


def core_environment(part: str) -> dict[str, str]:
    """Names the part's core, unless the operator has named one."""
    core = core_of(part)
    return {} if core is None or CORE in os.environ else {CORE: str(core)}


def without_others(environment: Mapping[str, str], settings: Settings, part: str) -> dict[str, str]:
    """The environment of a part: of the DSNs only the one that it connects with."""
    hidden = {f"{PREFIX}{name.upper()}" for name in settings.others_dsns(role_of(part))}
    return {name: value for name, value in environment.items() if name not in hidden}


class Runnable(Protocol):
    """The inside of a part: an embedded engine, a process of ours, or the migrations."""

    log: Path
    child: subprocess.Popen[bytes] | None

    def prepare(self, said: Callable[[str], None]) -> None: ...
    def launch(self) -> None: ...
    def became_ready(self) -> bool: ...
    def stop(self) -> None: ...


class Migrations:
    """Brings the database to this version, here: a process of its own would start for nothing.

    Also looks whether the secrets fit it, and live credentials its clock: every part would end for
    that, five times each.
    """

    child: subprocess.Popen[bytes] | None = None

    def __init__(self, settings: Settings, database_url: Callable[[], str], roles: Roles) -> None:
        self.log = settings.log_dir / "supervisor.log"
        self._database_url, self._roles = database_url, roles
        self._settings = settings

    def prepare(self, said: Callable[[str], None]) -> None:
        import psycopg

        from events.store.master_key_ids import require_master_key
        from runtime.domain_clock import require_real_time
        from runtime.migrate import migrate

        if applied := migrate(self._database_url(), self._roles):
            said(f"applied {len(applied)}")
        with psycopg.connect(self._database_url()) as connection:
            require_master_key(connection, self._settings.secrets.master_keys())
            require_real_time(connection, self._settings)

    def launch(self) -> None:
        """Nothing is left to do."""

    def became_ready(self) -> bool:
        return True

    def stop(self) -> None:
        """An interrupted migration is rolled back by the database."""


class OwnProcess:
    """`python -m runtime run NAME`: the API, the relay, the worker or the analysis pool."""

    def __init__(self, name: str, settings: Settings, environment: dict[str, str]) -> None:
        self.name = name
        self.log = settings.log_dir / f"{name}.log"
        self.child: subprocess.Popen[bytes] | None = None
        self._settings = settings
        self._environment = environment

    def prepare(self, said: Callable[[str], None]) -> None:
        (self._settings.run_dir / f"{self.name}.json").unlink(missing_ok=True)

    def launch(self) -> None:
        self.child = spawn(
            [sys.executable, "-m", "runtime", "run", self.name, "--supervised"],
            cwd=ROOT,
            log=self.log,
            orphan_signal=signal.SIGTERM,
            env={
                **without_others(os.environ, self._settings, self.name),
                **SINGLE_THREADED,
                **core_environment(self.name),
                "PYTHONPATH": str(ROOT),
                **self._environment,
            },
            stdin=subprocess.PIPE,
        )

    def became_ready(self) -> bool:
        if self.name == "api":
            return answers_ready(self._settings.host, self._settings.port)
        beat = read_heartbeat(self._settings.run_dir, self.name)
        pid = self.child.pid if self.child else None
        # A relay that refuses the log it sees is up: `log recover` needs everything else.
        return bool(beat and is_fresh(beat, pid) and beat["state"] in ("running", "refusing"))

    def stop(self) -> None:
        if self.child:
            stop_child(self.child, signal.SIGTERM, PART_STOP_PATIENCE_S)
            if self.child.stdin:
                self.child.stdin.close()
            self.child = None


class Part:
    """One part's life: waiting → preparing → starting → running, and restarting with back-off.

    `needs` are the parts that must run first. A `once` part is done when it is prepared. A part
    that runs but does not answer (`answers`) UNANSWERED_LOOKS times is killed and started again.
    """

    def __init__(
        self,
        name: str,
        runnable: Runnable,
        needs: tuple[str, ...] = (),
        *,
        once: bool = False,
        answers: Callable[[], bool] | None = None,
    ) -> None:
        self.name = name
        self.needs = needs
        self.failures = 0
        self.shown = PartState(name)
        self.runnable = runnable
        self._once = once
        self._preparing: Future[None] | None = None
        self._due_at = 0.0
        self._running_since = 0.0
        self._answers = answers
        self._look: Future[bool] | None = None
        self._looked_at, self._unanswered = 0.0, 0

    @property
    def is_up(self) -> bool:
        return self.shown.state in ("running", "done")

    def step(self, up: set[str], pool: ThreadPoolExecutor) -> None:
        """Do what is due now. Raises what `prepare` raised: that is not cured by trying again."""
        match self.shown.state:
            case "waiting" | "restarting":
                if up.issuperset(self.needs) and time.monotonic() >= self._due_at:
                    self.shown.state, self.shown.detail = "starting", None
                    self._preparing = pool.submit(self.runnable.prepare, self._say)
            case "starting" if self._preparing:
                if self._preparing.done():
                    self._preparing.result()
                    self._preparing = None
                    if self._once:
                        self.shown.state = "done"
                    else:
                        self._launch()
            case "starting":
                self._look_for_readiness()
            case "running" if self._has_ended():
                self.plan_restart()
            case "running" if self._answers and self._stands_still(self._answers, pool):
                self._end()
                self.plan_restart(f"did not answer {UNANSWERED_LOOKS} times, every {LOOK_S:g} s")

    def stop(self) -> None:
        """Stop in order; a preparation gets a moment to end and is done again at the next start."""
        if self._preparing:
            wait([self._preparing], timeout=PREPARATION_PATIENCE_S)
            self._preparing = None
        self.runnable.stop()
        if self.shown.state != "done":
            self.shown.state = "stopped"
        self.shown.pid = None

    def cap_log(self) -> None:
        cap_log(self.runnable.log)

    def _say(self, text: str) -> None:
        self.shown.detail = text

    def _launch(self) -> None:
        self.runnable.launch()
        child = self.runnable.child
        assert child is not None
        self.shown.pid = child.pid
        self.shown.detail = None
        try:
            self.shown.started = psutil.Process(child.pid).create_time()
        except psutil.Error:
            self.shown.started = None

    def _has_ended(self) -> bool:
        child = self.runnable.child
        return child is None or child.poll() is not None

    def _stands_still(self, answers: Callable[[], bool], pool: ThreadPoolExecutor) -> bool:
        """Asked beside the supervisor's loop: an answer may take as long as its time limit."""
        if self._look is None:
            if time.monotonic() - self._looked_at >= LOOK_S:
                self._look, self._looked_at = pool.submit(answers), time.monotonic()
        elif self._look.done():
            answered = self._look.exception() is None and self._look.result()
            self._look, self._unanswered = None, 0 if answered else self._unanswered + 1
            self.shown.unanswered = self._unanswered
        return self._unanswered >= UNANSWERED_LOOKS

    def _end(self) -> None:
        """Kill what stands still; a JVM first writes into its log what each thread is doing."""
        child = self.runnable.child
        assert child is not None
        child.send_signal(signal.SIGQUIT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=2)
        child.kill()
        child.wait()

    def _look_for_readiness(self) -> None:
        child = self.runnable.child
        assert child is not None
        if child.poll() is not None:
            self.plan_restart()
        elif self.runnable.became_ready():
            self.shown.state = "running"
            self._running_since, self._unanswered = time.monotonic(), 0
            self.shown.unanswered = 0

    def plan_restart(self, reason: str | None = None) -> None:
        """Try again after a pause that doubles with each failure; `status` shows why."""
        child = self.runnable.child
        if not reason:
            code = child.returncode if child else None
            reason = f"ended with code {code}: {last_line(self.runnable.log)}"
        self._preparing = None
        if self._running_since and time.monotonic() - self._running_since > STEADY_AFTER_S:
            self.failures = 0
        pause_s = min(FIRST_PAUSE_S * 2**self.failures, LONGEST_PAUSE_S)
        self.failures += 1
        self.shown.failures = self.failures
        self._running_since = 0.0
        self._due_at = time.monotonic() + pause_s
        self.shown.state, self.shown.pid = "restarting", None
        self.shown.detail = reason


def answers_ready(host: str, port: int) -> bool:
    """True if the API says that it is ready, or lacks only other parts or `log recover`."""
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    connection = http.client.HTTPConnection(local, port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        return answer.status == 200 or _waits_for_recovery(answer.read())
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()


def _waits_for_recovery(readiness: bytes) -> bool:
    """A log that Kafka is ahead of stops the relay and consumers: a person must act, and `up` must
    not wait for it. Nor is an API that serves to blame for another part.
    """
    reasons = json.loads(readiness).get("reasons", {})
    named = set(reasons)
    return named == {"parts"} or ("relay" in named and named <= {"relay", "consumers", "parts"})
