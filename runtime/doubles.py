"""Doubles put together, and held by the supervisor until somebody connects."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from runtime.engines.child import (
    cap_log,
    keep_or_choose_port,
    last_line,
    spawn,
    stop_child,
)
from runtime.errors import DoubleIsHeld
from runtime.folder_lock import FolderLock
from runtime.installation import PREFIX, ROOT
from runtime.mode import mode
from runtime.settings import DSNS, Settings
from runtime.state import STEADY_AFTER_S, DoubleState, is_running
from schemas.telling import safely

if TYPE_CHECKING:
    from gateways.doubles.client import DoubleClient
    from gateways.doubles.frame import Double
    from gateways.mail.double.kept import KeptMails

HOST = "127.0.0.1"
# Connections that wait while the double starts.
BACKLOG = 128
# A double that is not used ends; its next start takes about a second.
IDLE_S = 600.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
STOP_PATIENCE_S = 10.0


def _mail(settings: Settings) -> Double:
    from gateways.mail.double.app import mail_double

    folder = folder_of(settings, "mail")
    return mail_double(lambda: settings.secrets.double_key, folder, settings.outbox_dir)


# By capability. One that is missing here has no double.
DOUBLES: Mapping[str, Callable[[Settings], Double]] = {"mail": _mail}


def kept_mails(settings: Settings) -> KeptMails:
    """The mail double's own files, for when it does not run."""
    from gateways.mail.double.kept import KeptMails

    return KeptMails(folder_of(settings, "mail"), settings.outbox_dir)


def client_of(settings: Settings, name: str) -> DoubleClient:
    """Asks the double wherever it listens at that moment."""
    from gateways.doubles.client import DoubleClient, Place

    port_file, secrets = _port_file(settings, name), settings.secrets
    return DoubleClient(name, lambda: Place(int(port_file.read_text()), secrets.double_key))


def folder_of(settings: Settings, name: str) -> Path:
    return settings.doubles_dir / name


def _port_file(settings: Settings, name: str) -> Path:
    return folder_of(settings, name) / "port"


def listening(settings: Settings, name: str) -> socket.socket:
    """A socket on loopback, on the port of the last start if that is free."""
    port_file = _port_file(settings, name)
    port_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return socket.create_server((HOST, keep_or_choose_port(port_file)), backlog=BACKLOG)


def run_double(settings: Settings, name: str, listener: int | None) -> None:
    """Serves a double until it is told to stop. `listener` is the descriptor of the socket that the
    supervisor holds; without one it listens itself. Raises DoubleIsHeld, EngineBusy.
    """
    from gateways.doubles.server import DoubleServer
    from runtime.observability.logs import start_logging

    held = listener is not None
    if not held and is_running(settings.run_dir):
        raise DoubleIsHeld(name)
    alone = FolderLock(folder_of(settings, name) / "lock")
    alone.take()
    start_logging(settings)
    taken = socket.socket(fileno=listener) if held else listening(settings, name)
    if not held:
        print(f"The {name} double listens on port {taken.getsockname()[1]}", flush=True)
    DoubleServer(DOUBLES[name](settings), idle_s=IDLE_S if held else None).serve_on(taken)
    alone.release()


class HeldDouble:
    """The supervisor's hold on one double: asleep → running, at the first connection, and asleep
    again when its process has ended.

    The socket stays open all the time, so connections wait while a process starts, and the port
    stays. A process that ends soon after its start is not started again at once.
    """

    def __init__(self, name: str, settings: Settings) -> None:
        self.log = settings.log_dir / f"double-{name}.log"
        self._name, self._settings = name, settings
        self._socket = listening(settings, name)
        self._child: subprocess.Popen[bytes] | None = None
        self._due_at = self._started_at = 0.0
        self._failures = 0
        self.shown = DoubleState(name, self._socket.getsockname()[1])

    @property
    def waits_for(self) -> socket.socket | None:
        """The socket whose connections nobody takes yet."""
        return self._socket if self._child is None and time.monotonic() >= self._due_at else None

    def step(self) -> None:
        """Does what is due now."""
        if self._child is not None and self._child.poll() is not None:
            self._ended(self._child.returncode)
        waiting = self.waits_for
        if waiting is not None and select.select([waiting], [], [], 0)[0]:
            try:
                self._start()
            except OSError as error:
                # The parts go on: what is wrong with the machine may pass.
                self._pause()
                self.shown.detail = safely(error)

    def stop(self) -> None:
        if self._child is not None:
            stop_child(self._child, signal.SIGTERM, STOP_PATIENCE_S)
            self._forget_child("stopped")
        self._socket.close()

    def _start(self) -> None:
        hidden = {f"{PREFIX}{name.upper()}" for name in DSNS}
        descriptor = self._socket.fileno()
        command = [sys.executable, "-m", "runtime", "run", "double", self._name]
        self._child = spawn(
            [*command, "--supervised", "--listener", str(descriptor)],
            cwd=ROOT,
            log=self.log,
            orphan_signal=signal.SIGTERM,
            env={
                **{name: value for name, value in os.environ.items() if name not in hidden},
                "PYTHONPATH": str(ROOT),
                f"{PREFIX}DATA": str(self._settings.data),
            },
            stdin=subprocess.PIPE,
            pass_fds=(descriptor,),
        )
        self._started_at = time.monotonic()
        self.shown.pid, self.shown.state = self._child.pid, "running"
        self.shown.detail, self.shown.started = None, None
        with contextlib.suppress(psutil.Error):
            self.shown.started = psutil.Process(self._child.pid).create_time()

    def _ended(self, code: int) -> None:
        if code == 0 or time.monotonic() - self._started_at > STEADY_AFTER_S:
            self._failures = 0
        else:
            self._pause()
        self._forget_child("asleep")
        self.shown.detail = f"ended with code {code}: {last_line(self.log)}" if code else None

    def _pause(self) -> None:
        self._due_at = time.monotonic() + min(FIRST_PAUSE_S * 2**self._failures, LONGEST_PAUSE_S)
        self._failures += 1

    def _forget_child(self, state: str) -> None:
        assert self._child is not None
        assert self._child.stdin is not None
        self._child.stdin.close()
        self._child = None
        self.shown.pid, self.shown.state = None, state

    def cap_log(self) -> None:
        cap_log(self.log)


def held_doubles(settings: Settings) -> list[HeldDouble]:
    """One for each service that has no credentials here."""
    return [
        HeldDouble(name, settings)
        for name, which in mode(settings).items()
        if which == "test" and name in DOUBLES
    ]


def wait_for_connections(doubles: Iterable[HeldDouble], at_most_s: float) -> None:
    """Returns as soon as somebody connects to a double that is asleep."""
    asleep = [each.waits_for for each in doubles if each.waits_for is not None]
    select.select(asleep, [], [], at_most_s)
