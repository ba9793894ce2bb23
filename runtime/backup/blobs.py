"""Audio in the folder store: copied, never overwritten, for a blob's name is its content."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from pathlib import Path

from gateways.ports.objects import ObjectStore


def copy_missing(source: Path, target: Path, *, erased: Collection[str] = ()) -> int:
    """Bring `target` up to `source`, without the workspaces of the erased; answers how many files
    were copied.
    """
    copied = 0
    for path in sorted(source.glob("wsp_*/??/*")):
        name = path.relative_to(source)
        if name.parts[0] in erased or (target / name).exists():
            continue
        try:
            _copy(path, target / name)
        except FileNotFoundError:
            continue  # deleted meanwhile
        copied += 1
    return copied


def forget(target: Path, erased: Collection[str]) -> int:
    """Delete what backups hold of the erased; answers how many workspaces."""
    found = [folder for name in erased if (folder := target / name).is_dir()]
    for folder in found:
        shutil.rmtree(folder)
    return len(found)


def _copy(source: Path, target: Path) -> None:
    """Copies a file whole or not at all."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.copyfile(source, unfinished)
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    unfinished.replace(target)


def send_missing(source: Path, store: ObjectStore) -> int:
    """Put every blob of the folder into another store; answers how many it lacked. The folder keeps
    its own.
    """
    sent = 0
    for path in sorted(source.glob("wsp_*/??/*")):
        workspace_id, sha256 = path.parts[-3], path.name
        if store.size(workspace_id, sha256) == path.stat().st_size:
            continue
        leaving = store.staged("leaving", workspace_id)
        shutil.copyfile(path, leaving)
        store.put_file(workspace_id, sha256, leaving)
        sent += 1
    return sent
