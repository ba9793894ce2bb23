"""An empty broker's storage: made by Kafka's own tool once per release, by us from then on.

The tool is a Java program of 1.2 s of processor time, and what it writes differs between two
installations by their ids and the date alone. Its other file is kept in the shared cache.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

CHECKPOINT, META = "bootstrap.checkpoint", "meta.properties"


class FormattedStorage:
    """`release` names what the tool's answer depends on; `node_id` is the broker's."""

    def __init__(self, cache: Path, release: bytes, node_id: int) -> None:
        self._cache, self._node_id = cache, node_id
        self._name = hashlib.sha256(release).hexdigest()[:16]

    def make(self, log_dir: Path, by_tool: Callable[[str], None]) -> None:
        """Raises what `by_tool` does, which is given a cluster id and formats `log_dir`."""
        # An interrupted one has no meta.properties, which comes last, and is simply done again.
        shutil.rmtree(log_dir, ignore_errors=True)
        cluster_id = new_id()
        checkpoint = self._kept()
        if checkpoint is None:
            by_tool(cluster_id)
            self._keep((log_dir / CHECKPOINT).read_bytes())
            return
        log_dir.mkdir(parents=True)
        (log_dir / CHECKPOINT).write_bytes(checkpoint)
        facts = {
            "version": "1",
            "cluster.id": cluster_id,
            "node.id": str(self._node_id),
            "directory.id": new_id(),
        }
        unfinished = log_dir / f"{META}.new"
        unfinished.write_text("".join(f"{name}={value}\n" for name, value in facts.items()))
        unfinished.replace(log_dir / META)

    def _kept(self) -> bytes | None:
        """Reads what the tool wrote once; deletes a file that is not what its name says."""
        for file in self._cache.glob(f"{self._name}-*.checkpoint"):
            with suppress(OSError):
                if file.stem == self._named(content := file.read_bytes()):
                    return content
                file.unlink()
        return None

    def _keep(self, content: bytes) -> None:
        with suppress(OSError):  # a cache that cannot be written costs time only
            self._cache.mkdir(parents=True, exist_ok=True)
            unfinished = self._cache / f"{self._name}.{os.getpid()}.new"
            unfinished.write_bytes(content)
            unfinished.replace(self._cache / f"{self._named(content)}.checkpoint")

    def _named(self, content: bytes) -> str:
        return f"{self._name}-{hashlib.sha256(content).hexdigest()[:16]}"


def new_id() -> str:
    """22 characters of base64url, as Kafka makes them: not beginning with a dash.

    One in 64 would, and the storage tool takes that for an option.
    """
    while True:
        made = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not made.startswith("-"):
            return made
