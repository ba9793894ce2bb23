"""Starting, finding and stopping the server processes of one data folder."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path

import psutil

from runtime.errors import EngineFailed

LAUNCHER = Path(__file__).with_name("launch.py")
# Below Linux's ephemeral ports (32768 and up), so that an outgoing connection cannot take the
# port while its engine restarts.
FREE_PORTS = range(20_000, 32_000)
LOG_KEPT_BYTES = 8 * 1024 * 1024


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    """True if a server could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def keep_or_choose_port(remembered_in: Path) -> int:
    """The port of the last start if it is still free, else a free one, remembered for next time."""
    try:
        port = int(remembered_in.read_text())
        if port_is_free(port):
            return port
    except (OSError, ValueError):
        pass
    port = choose_free_port()
    remembered_in.write_text(str(port))
    return port


def choose_free_port() -> int:
    """A free port, at random: two installations that start at once seldom meet."""
    while True:
        if port_is_free(port := secrets.choice(FREE_PORTS)):
            return port


def spawn(
    command: list[str],
    cwd: Path,
    log: Path,
    *,
    orphan_signal: signal.Signals,
    user: tuple[int, int] | None = None,
    env: dict[str, str] | None = None,
    stdin: int = subprocess.DEVNULL,
    nice: int = 0,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a server in a process group of its own, so that a Ctrl-C reaches only the supervisor.

    Call it from a thread that lives as long as the server should: Linux sends `orphan_signal`
    when that thread ends (prctl(2), PR_SET_PDEATHSIG).
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    cap_log(log)
    options = ["--signal-on-orphan", str(int(orphan_signal)), "--parent", str(os.getpid())]
    if user:
        options += ["--user", f"{user[0]}:{user[1]}"]
    if nice:
        options += ["--nice", str(nice)]
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(LAUNCHER), *options, "--", *command],
            cwd=cwd,
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=env,
            pass_fds=pass_fds,
        )


def listens(process_id: int, port: int) -> bool:
    """True if this process itself, and no other, is behind the port."""
    try:
        connections = psutil.Process(process_id).net_connections("inet")
    except psutil.Error:
        return False
    return any(c.status == psutil.CONN_LISTEN and c.laddr.port == port for c in connections)


def in_background(work: Callable[[], None]) -> Future[None]:
    """Runs it in a thread that does not keep the process from ending."""
    done: Future[None] = Future()

    def run() -> None:
        try:
            work()
        except BaseException as error:
            done.set_exception(error)
        else:
            done.set_result(None)

    threading.Thread(target=run, daemon=True).start()
    return done


def cap_log(log: Path) -> None:
    """Set a log that has grown large aside and empty it; its writer appends and goes on."""
    if log.exists() and log.stat().st_size > LOG_KEPT_BYTES:
        shutil.copyfile(log, log.with_name(log.name + ".1"))
        os.truncate(log, 0)


def last_line(log: Path, size_bytes: int = 4096) -> str | None:
    """The last line that says something, for `status` and error messages."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - size_bytes))
            lines = [line.strip() for line in file.read().decode("utf-8", "replace").splitlines()]
    except OSError:
        return None
    return next((line[:300] for line in reversed(lines) if line), None)


def processes_in(folder: Path, program: str) -> list[psutil.Process]:
    """Live processes of that program whose working directory is the folder.

    A pid file is never trusted: the working directory proves whose server it is.
    """
    found = []
    for process in psutil.process_iter(["name"]):
        try:
            if process.info["name"] == program and _same_folder(process.cwd(), folder):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def _same_folder(one: str, other: Path) -> bool:
    return bool(one) and os.path.realpath(one) == os.path.realpath(other)


def end_processes(
    processes: list[psutil.Process], first_signal: signal.Signals, patience_s: float
) -> None:
    """Ask them to end, wait, then kill what is left."""
    for process in processes:
        try:
            process.send_signal(first_signal)
        except psutil.NoSuchProcess:
            continue
    _gone, alive = psutil.wait_procs(processes, timeout=patience_s)
    for process in alive:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(alive, timeout=10)


def stop_child(
    child: subprocess.Popen[bytes], first_signal: signal.Signals, patience_s: float
) -> bool:
    """Stop our own child. Returns True if it ended by itself within the patience."""
    if child.poll() is None:
        child.send_signal(first_signal)
    try:
        child.wait(patience_s)
        return True
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait(10)
        return False


def wait_until_ready(
    name: str,
    child: subprocess.Popen[bytes],
    log: Path,
    probe: Callable[[], bool],
    progress: Callable[[], object],
    stall_s: float = 60,
) -> None:
    """Wait as long as the server makes progress; `progress` is any value that changes with it.

    Raises EngineFailed when it ends, or when nothing at all moves for `stall_s` seconds.
    """
    seen, moved_at = progress(), time.monotonic()
    while not probe():
        if child.poll() is not None:
            raise EngineFailed(name, f"it ended with code {child.returncode}", log)
        if (now_seen := progress()) != seen:
            seen, moved_at = now_seen, time.monotonic()
        if time.monotonic() - moved_at > stall_s:
            raise EngineFailed(name, f"it has not moved for {stall_s:.0f} seconds", log)
        time.sleep(0.05)
