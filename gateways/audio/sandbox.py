"""One limited child process seen from the parent: start it, give it a job, kill it in time."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from gateways.audio.errors import AnalyserCrashed, AnalyserTimedOut, OverCpuLimit
from gateways.audio.wire import (
    Disconnected,
    Malformed,
    receive_chunks,
    receive_frame,
    send_frame,
)

Job = Literal["probe", "draw", "render", "rewrite", "picture", "analyse"]
AnalyserChoice = Literal["auto", "essentia"]

# The program of the child; tests start one that tries to break out.
CHILD_MODULE = "gateways.audio.child"
START_WITHIN_S = 120.0  # loading all models on two busy cores took 18 s
JOBS_PER_CHILD = 50
GIB = 1024**3


@dataclass(frozen=True)
class Hearing:
    """Settings of the analysing child: the analyser and the models that it listens with."""

    analyser: AnalyserChoice = "auto"
    models: bool = True
    models_dir: str | None = None
    models_wanted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Limits:
    """Limits of one job. `memory_bytes` is address space, which is more than what is used;
    `streamed_bytes` is how much it may give beside its answer."""

    wall_s: float
    cpu_s: float
    memory_bytes: int
    streamed_bytes: int = 0


# Measured on two busy cores: three hours of MP3 take 9 s to probe, 134 s and 0.8 GB to analyse (an
# hour: 1.1 GB of address space), an hour takes 80 s to render; four hours are allowed, and as MP3
# they are 461 MB.
PROBE_LIMITS = Limits(wall_s=120, cpu_s=60, memory_bytes=1 * GIB)
RENDER_LIMITS = Limits(
    wall_s=480, cpu_s=420, memory_bytes=1 * GIB, streamed_bytes=480 * 1024 * 1024
)
# Reading and sending 2 GiB takes some seconds; the memory is what the tags take.
REWRITE_LIMITS = Limits(wall_s=300, cpu_s=120, memory_bytes=1 * GIB, streamed_bytes=64 * GIB)
PICTURE_LIMITS = Limits(wall_s=60, cpu_s=20, memory_bytes=1 * GIB)
ANALYSE_LIMITS = Limits(wall_s=1200, cpu_s=600, memory_bytes=4 * GIB)


class Sandbox:
    """A warm child for one kind of job. Not thread-safe: one caller at a time (see AudioPool).

    After any failure it is closed; `isolation` says what the child gave up.
    """

    def __init__(
        self,
        job: Job,
        limits: Limits,
        hearing: Hearing = Hearing(),
    ) -> None:
        self.limits = limits
        self.jobs_left = JOBS_PER_CHILD
        self._link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            self._process = subprocess.Popen(
                _command(theirs.fileno(), job, limits, hearing),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=_environment(),
                cwd="/",
                start_new_session=True,  # Ctrl-C is for the parent, which then closes us
            )
        self.isolation = ", ".join(self._await_ready())

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_open(self) -> bool:
        return self._process.poll() is None

    def run(
        self,
        path: Path,
        sink: Callable[[bytes], object] | None = None,
        given: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The job's result for one file, opened here read-only and handed over as a descriptor.

        `given` is what the job wants to know beside it. With a `sink` the job streams: every chunk
        goes there before the result is given. Raises OSError (no such file), AnalyserCrashed,
        AnalyserTimedOut, OverCpuLimit, and what the sink raises.
        """
        with path.open("rb") as file:
            self.jobs_left -= 1
            try:
                request = {"cpu_s": self.limits.cpu_s, "given": given or {}}
                send_frame(self._link, request, file.fileno())
            except Disconnected:
                raise self._crashed() from None
            deadline_s = time.monotonic() + self.limits.wall_s
            if sink is not None:
                self._stream(sink, deadline_s)
            answer = self._receive(deadline_s, self.limits.wall_s)
        result = answer.get("result")
        if not isinstance(result, dict):
            self.close()
            raise AnalyserCrashed(str(answer.get("failed"))[:500])
        return result

    def close(self) -> None:
        """End the child. Nothing it holds is worth waiting for."""
        self.kill()
        self._process.wait()
        self._link.close()

    def kill(self) -> None:
        """End the child under whoever is waiting for it, from any thread."""
        if self._process.poll() is None:
            self._process.kill()

    def _await_ready(self) -> list[str]:
        answer = self._receive(time.monotonic() + START_WITHIN_S, START_WITHIN_S)
        if not isinstance(answer.get("ready"), list):
            self.close()
            raise AnalyserCrashed(f"it did not start: {str(answer.get('failed'))[:300]}")
        return [str(step) for step in answer["ready"]]

    def _stream(self, sink: Callable[[bytes], object], deadline_s: float) -> None:
        chunks, left = receive_chunks(self._link, deadline_s), self.limits.streamed_bytes
        with self._failures_named(self.limits.wall_s):
            for chunk in chunks:
                left -= len(chunk)
                if left < 0:
                    raise Malformed(f"more than {self.limits.streamed_bytes} bytes")
                sink(chunk)

    def _receive(self, deadline_s: float, within_s: float) -> dict[str, Any]:
        with self._failures_named(within_s):
            return receive_frame(self._link, deadline_s)

    @contextmanager
    def _failures_named(self, within_s: float) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            self.close()
            raise AnalyserTimedOut(within_s) from None
        except (Disconnected, Malformed) as error:
            raise self._crashed(str(error)) from None

    def _crashed(self, detail: str = "") -> AnalyserCrashed | OverCpuLimit:
        self.kill()
        status = self._process.wait()
        self.close()
        if status == -signal.SIGXCPU:
            return OverCpuLimit(self.limits.cpu_s)
        return AnalyserCrashed(detail or f"exit status {status}", status)


def _command(link_fd: int, job: Job, limits: Limits, hearing: Hearing) -> list[str]:
    settings = {
        "job": job,
        "hearing": asdict(hearing),
        "parent_pid": os.getpid(),
        "nice": 10 if job == "analyse" else 5,
        "memory_bytes": limits.memory_bytes,
        # The hard limit over all its jobs: what a taken-over child could raise its own limit to.
        "lifetime_cpu_s": int(JOBS_PER_CHILD * limits.cpu_s + START_WITHIN_S),
    }
    # -P: nothing beside the working folder may shadow a module; -B: writing .pyc is not allowed.
    return [
        *(sys.executable, "-P", "-B", "-m", CHILD_MODULE),
        *(str(link_fd), json.dumps(settings)),
    ]


def one_thread() -> dict[str, str]:
    """One thread per library: every thread of a BLAS pool costs address space, and the pool of
    children is already parallel."""
    threads = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")
    return dict.fromkeys(threads, "1")


def _environment() -> dict[str, str]:
    """Nothing of the parent's: its environment holds secrets."""
    environment = one_thread() | {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONUTF8": "1"}
    # Large arrays go back to the system when they are done with.
    environment |= {"MALLOC_MMAP_THRESHOLD_": "1048576", "MALLOC_ARENA_MAX": "1"}
    environment["ORT_DISABLE_TELEMETRY"] = "1"  # threads, sockets and a database in the home folder
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
    return environment
