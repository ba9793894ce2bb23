"""The write-ahead log, streamed into a folder as the database writes it."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from runtime.backup.folder import BackupFailed

PROGRAM = "pg_receivewal"
PATIENCE_S = 30.0
GONE = "has already been removed"


class WalReceiver:
    """`command` ends when the database goes away; it goes on where its folder ends."""

    def __init__(self, command: list[str], environment: dict[str, str], wal: Path) -> None:
        self._command, self._environment, self._wal = command, environment, wal
        self._child: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Returns when the first segment arrives. Raises BackupFailed."""
        self._launch()
        deadline = time.monotonic() + PATIENCE_S
        while not any(self._wal.iterdir()):
            if (said := self._last_words()) is not None:
                raise BackupFailed(PROGRAM, said)
            if time.monotonic() > deadline:
                raise BackupFailed(PROGRAM, "nothing was received")
            time.sleep(0.05)

    def keep(self) -> None:
        """Follows the database again if it was away; call it again and again. Raises BackupFailed
        when it was away for so long that what comes next is gone.
        """
        said = self._last_words()
        if said is None:
            return
        if GONE in said:
            raise BackupFailed(PROGRAM, said)
        self._launch()

    def stop(self) -> None:
        if self._child and self._child.poll() is None:
            self._child.terminate()
            self._child.wait(PATIENCE_S)

    def _last_words(self) -> str | None:
        """The errors of a program that ended; None while it runs."""
        assert self._child is not None
        assert self._child.stderr is not None
        return None if self._child.poll() is None else self._child.stderr.read()

    def _launch(self) -> None:
        self._child = subprocess.Popen(
            self._command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
