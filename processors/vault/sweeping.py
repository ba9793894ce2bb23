"""Files that nobody will go on with, out of the staging folder and out of erased workspaces."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from psycopg_pool import ConnectionPool

from commands.closing import closed_among, closed_lately
from commands.vault.staged_uploads import UploadId, remove_upload
from events.errors import NoCultureError
from gateways.objects.folder import staged_by
from gateways.ports.objects import ObjectStore
from schemas.telling import safely

log = logging.getLogger(__name__)
EVERY_S = 3600.0
RETRY_S = 60.0
# The erasing worker may have another staging folder: erased workspaces are looked for here too.
LOOK_EVERY_S = 5.0
# An upload's row is made a moment after its file: only older files without one are orphans.
ORPHANED_AFTER_S = 3600.0
# Longer than anybody takes to send one file.
ABANDONED_AFTER_S = 24 * 3600.0
# A database or a store that was away may have hidden a writer from an erasure.
LOOK_BACK_DAYS = 7
T = TypeVar("T")
_UPLOAD = re.compile("upl_[0-9a-f]{32}")


class Sweeper:
    """At the start of a process and every hour; what is staged for erased workspaces within
    seconds. Resumable uploads that have a row stay: they end by their own time.
    """

    def __init__(self, pool: ConnectionPool, objects: ObjectStore) -> None:
        self._pool, self._objects = pool, objects

    def run(self, stop: threading.Event) -> None:
        due_at = 0.0
        while not stop.is_set():
            try:
                if time.monotonic() < due_at:
                    swept = self._staged_for_the_closed()
                else:
                    swept = self.sweep()
                    due_at = time.monotonic() + EVERY_S
                if swept:
                    log.info("%d files that nobody goes on with were deleted", swept)
            except Exception as error:
                # Any error is survived: in the API the end of this thread would go unseen.
                due_at = max(due_at, time.monotonic() + RETRY_S)
                log.warning("what was abandoned is swept later: %s", safely(error))
            stop.wait(LOOK_EVERY_S)

    def sweep(self) -> int:
        """Answers how many files and blobs it deleted."""
        swept = self._staged_for_the_closed() + self._abandoned() + self._without_a_row()
        return swept + self._blobs_of_the_closed()

    def _staged_for_the_closed(self) -> int:
        """Whatever its age: for a workspace that is being erased nobody writes any more."""
        staged = staged_by(self._objects.staging)
        if not staged:
            return 0
        with self._pool.connection() as connection:
            closed = closed_among(connection, set(staged))
        return _deleted(path for workspace_id in closed for path in staged[workspace_id])

    def _blobs_of_the_closed(self) -> int:
        with self._pool.connection() as connection:
            lately = closed_lately(connection, LOOK_BACK_DAYS)
        return sum(_tried(self._objects.delete_workspace, each) for each in lately)

    def _abandoned(self) -> int:
        """Deletes what a killed process left half received or half copied."""
        kinds = ("receiving-*", "arriving-*", "copy-*", "leaving-*")
        files = (path for kind in kinds for path in self._objects.staging.glob(kind))
        return _deleted(path for path in files if _age_s(path) > ABANDONED_AFTER_S)

    def _without_a_row(self) -> int:
        files = self._objects.staging.glob("upl_*")
        found = {path.stem for path in files if _UPLOAD.fullmatch(path.stem)}
        old = sorted(name for name in found if self._is_old(name))
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT upload_id FROM uploads WHERE upload_id = ANY(%s)", (old,)
            ).fetchall()
        orphans = set(old) - {upload_id for (upload_id,) in rows}
        return sum(_tried(self._remove_upload, name) for name in orphans)

    def _remove_upload(self, name: str) -> int:
        remove_upload(self._objects.staging, UploadId(name))
        return 1

    def _is_old(self, name: str) -> bool:
        files = self._objects.staging.glob(f"{name}*")
        return min(map(_age_s, files), default=0.0) > ORPHANED_AFTER_S


def _deleted(files: Iterable[Path]) -> int:
    return sum(_tried(_unlink, path) for path in files)


def _unlink(path: Path) -> int:
    path.unlink(missing_ok=True)
    return 1


def _tried(delete: Callable[[T], int], what: T) -> int:
    """Counts what was deleted; a failure is logged as 0, so that the others are still deleted."""
    try:
        return delete(what)
    except (OSError, NoCultureError) as error:
        log.warning("something abandoned stays: %s", safely(error))
        return 0


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
