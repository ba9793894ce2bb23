"""The files of resumable uploads in the staging folder."""

from __future__ import annotations

from pathlib import Path

from events.ids import Id


class UploadId(Id, prefix="upl"):
    """One resumable upload."""


def remove_upload(folder: Path, upload_id: str) -> None:
    """Delete what a resumable upload has in the staging folder."""
    path = folder / UploadId(upload_id)
    # `.piece` is of earlier versions.
    for each in (path, path.with_suffix(".piece"), path.with_suffix(".lock")):
        each.unlink(missing_ok=True)
