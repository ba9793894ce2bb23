"""The broker's classes, loaded and checked once for all starts on this machine (Java's CDS).

A start takes half the processor time with them (docs/adr/0021). The first start lists the classes
that it needs; from that list a process that gives way to all others makes the archive, and the
starts after it use it. Java itself looks whether the archive fits and does without one that does
not, so that no start ever depends on it.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from runtime.engines.child import spawn
from runtime.errors import EngineBusy
from runtime.folder_lock import FolderLock

MADE_WITHIN_S = 120.0
# 67 MB each: one for each pair of release and Java that installations of this user run.
ARCHIVES_KEPT = 3


class ClassArchive:
    """`folder` is the broker's own, for its list of classes; `cache` is shared."""

    def __init__(self, cache: Path, folder: Path, java: Path, class_path: list[Path]) -> None:
        self._cache, self._java = cache, java
        self._class_path = os.pathsep.join(str(jar) for jar in class_path)
        self._file = cache / f"{_key(java, class_path)}.jsa"
        self._listed, self._list = folder / "classes.listed", folder / "classes.list"
        self._making: subprocess.Popen[bytes] | None = None
        self._is_used = False

    def options(self) -> list[str]:
        """Options for Java: to use the archive, or to list what an archive needs."""
        self._is_used = self._file.exists()
        if self._is_used:
            # Its time says when it was needed last, or one that all starts use would be forgotten.
            with suppress(OSError):
                os.utime(self._file)
            return [f"-XX:SharedArchiveFile={self._file}"]
        self._listed.unlink(missing_ok=True)
        return ["-Xshare:off", f"-XX:DumpLoadedClassList={self._listed}"]

    def distrust(self) -> None:
        """Drops the archive after a start that failed: the next start does without it."""
        if self._is_used:
            self._file.unlink(missing_ok=True)

    def make(self) -> None:
        """Makes the archive once the broker is ready, if there is none yet, and waits for it. A
        failure costs the next start time and nothing else.
        """
        lock = FolderLock(self._cache / "lock")
        with suppress(OSError, EngineBusy):
            if self._is_used or not self._listed.exists() or lock.is_held():
                return
            lock.take()
            try:
                if not self._file.exists():
                    self._make()
            finally:
                lock.release()

    def stop(self) -> None:
        """End the process that makes it, if one does."""
        if (making := self._making) and making.poll() is None:
            making.kill()
            making.wait()

    def _make(self) -> None:
        # Java still writes it: its last line may be half there.
        listed = self._listed.read_bytes()
        self._list.write_bytes(listed[: listed.rfind(b"\n") + 1])
        unfinished = self._file.with_suffix(f".{os.getpid()}.new")
        command = [
            str(self._java),
            "-Xshare:dump",
            "-XX:+UseG1GC",
            f"-XX:SharedClassListFile={self._list}",
            f"-XX:SharedArchiveFile={unfinished}",
            "-cp",
            self._class_path,
        ]
        log = self._list.with_suffix(".log")
        self._making = spawn(command, self._cache, log, orphan_signal=signal.SIGKILL, nice=19)
        try:
            if self._making.wait(MADE_WITHIN_S) == 0:
                unfinished.replace(self._file)
                self._forget_oldest()
        except subprocess.TimeoutExpired:
            self._making.kill()
        finally:
            self._making = None
            unfinished.unlink(missing_ok=True)

    def _forget_oldest(self) -> None:
        archives = sorted(self._cache.glob("*.jsa"), key=lambda archive: archive.stat().st_mtime)
        for archive in archives[:-ARCHIVES_KEPT]:
            archive.unlink(missing_ok=True)


def _key(java: Path, class_path: list[Path]) -> str:
    """Names what Java compares: another one would be refused at each start, and never replaced."""
    parts = [f"{jar} {(facts := jar.stat()).st_size} {facts.st_mtime_ns}" for jar in class_path]
    with suppress(OSError):
        parts.append((java.resolve().parent.parent / "release").read_text())
    return hashlib.sha256("\n".join([str(java.resolve()), *parts]).encode()).hexdigest()[:16]
