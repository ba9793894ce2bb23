"""A checkpoint: the installation's signed word that the log had so many events, and which.

Its text has the form of C2SP checkpoints and signed notes, so foreign tools can read it
(docs/adr/0010). Kept in the table log_checkpoints, a topic and a file.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from events.errors import NoCultureError
from events.store.signing import LogSigner, is_signed
from events.times import parse_rfc3339, rfc3339

Connection = psycopg.Connection[Any]
_COLUMNS = "epoch, size, log_id, root, hash, recorded_at, key_id, signature"


class BadCheckpoint(NoCultureError):
    """A line of the exported file is not what the installation signed."""

    status, code = 500, "bad-checkpoint"

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where}: {why}. Compare it with the copy of the topic or of an auditor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """`root` is the RFC 6962 root over the first `size` events, `hash` the chain's at that event.

    `recorded_at` is that event's time. `signature` (64 bytes, Ed25519) is over `text`.
    """

    log_id: str
    epoch: int
    size: int
    root: bytes
    hash: bytes
    recorded_at: datetime
    key_id: str = ""
    signature: bytes = b""

    @property
    def key(self) -> tuple[int, int]:
        """The sort key of checkpoints: (epoch, size)."""
        return self.epoch, self.size

    @property
    def text(self) -> str:
        """The text that is signed."""
        return (
            f"{origin(self.log_id)}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"
            f"epoch {self.epoch}\nhash {self.hash.hex()}\nrecorded_at {rfc3339(self.recorded_at)}\n"
        )

    @property
    def note(self) -> str:
        """The signed note: the text, an empty line, the signature's line."""
        signed = base64.b64encode(bytes.fromhex(self.key_id) + self.signature).decode()
        return f"{self.text}\n— {origin(self.log_id)} {signed}\n"

    def is_signed_by(self, public_key: bytes) -> bool:
        return self.key_id == key_id(self.log_id, public_key) and is_signed(
            self.text.encode(), self.signature, public_key
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "log_id": self.log_id,
            "epoch": self.epoch,
            "size": self.size,
            "root": self.root.hex(),
            "hash": self.hash.hex(),
            "recorded_at": rfc3339(self.recorded_at),
            "key_id": self.key_id,
            "signature": base64.b64encode(self.signature).decode(),
        }

    @classmethod
    def from_json(cls, read: dict[str, Any]) -> Checkpoint:
        """Raises KeyError, TypeError, ValueError."""
        return cls(
            log_id=read["log_id"],
            epoch=int(read["epoch"]),
            size=int(read["size"]),
            root=bytes.fromhex(read["root"]),
            hash=bytes.fromhex(read["hash"]),
            recorded_at=parse_rfc3339(read["recorded_at"]),
            key_id=read["key_id"],
            signature=base64.b64decode(read["signature"], validate=True),
        )


def origin(log_id: str) -> str:
    """The first line of the text, and the name of the key."""
    return f"noculture/{log_id}"


def key_id(log_id: str, public_key: bytes) -> str:
    """Hex of the signed note's four-byte key hash; 1 is Ed25519."""
    return hashlib.sha256(f"{origin(log_id)}\n\x01".encode() + public_key).hexdigest()[:8]


def signed(checkpoint: Checkpoint, signer: LogSigner) -> Checkpoint:
    return replace(
        checkpoint,
        key_id=key_id(checkpoint.log_id, signer.public_key),
        signature=signer.sign(checkpoint.text.encode()),
    )


class CheckpointTable:
    """The checkpoints in the database: what the file and the topic are made from."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, checkpoint: Checkpoint) -> None:
        self._connection.execute(
            f"INSERT INTO log_checkpoints ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            (
                checkpoint.epoch,
                checkpoint.size,
                checkpoint.log_id,
                checkpoint.root,
                checkpoint.hash,
                checkpoint.recorded_at,
                checkpoint.key_id,
                checkpoint.signature,
            ),
        )

    def after(self, key: tuple[int, int] = (0, 0)) -> list[Checkpoint]:
        """Those behind (epoch, size), in order."""
        rows = self._connection.execute(
            f"SELECT {_COLUMNS} FROM log_checkpoints WHERE (epoch, size) > (%s, %s)"
            " ORDER BY epoch, size",
            key,
        ).fetchall()
        return [_from_row(row) for row in rows]

    def last(self) -> Checkpoint | None:
        row = self._connection.execute(
            f"SELECT {_COLUMNS} FROM log_checkpoints ORDER BY epoch DESC, size DESC LIMIT 1"
        ).fetchone()
        return _from_row(row) if row else None


class CheckpointFile:
    """One checkpoint a line, JSON, appended and synced: the copy outside the database."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int] | None = None
        self._read: list[Checkpoint] = []

    def read(self) -> list[Checkpoint]:
        """In the order of (epoch, size); a last line that a crash cut short is left out.

        Raises BadCheckpoint for a line that is none; `KnownKeys.check` looks at who signed.
        """
        try:
            state = self.path.stat()
        except FileNotFoundError:
            return []
        seen = (state.st_size, state.st_mtime_ns)
        if seen != self._seen:
            whole = self.path.read_bytes().rpartition(b"\n")[0]
            lines = whole.split(b"\n") if whole else []
            found = {c.key: c for c in map(self._parsed, lines, range(1, len(lines) + 1))}
            self._read, self._seen = [found[key] for key in sorted(found)], seen
        return self._read

    def append(self, checkpoints: Iterable[Checkpoint]) -> None:
        """On disk when it returns; what is there already is not written again."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(self.path, "a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            _cut_unfinished_line(file)
            known = {checkpoint.key for checkpoint in self.read()}
            new = [checkpoint for checkpoint in checkpoints if checkpoint.key not in known]
            file.write(b"".join(json.dumps(c.to_json()).encode() + b"\n" for c in new))
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(self.path.parent)

    def _parsed(self, line: bytes, number: int) -> Checkpoint:
        try:
            return Checkpoint.from_json(json.loads(line))
        except (KeyError, TypeError, ValueError) as error:
            raise BadCheckpoint(f"{self.path.name} line {number}", "no checkpoint") from error


def _cut_unfinished_line(file: Any) -> None:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    whole = file.read().rfind(b"\n") + 1
    if whole < size:
        file.truncate(whole)
    file.seek(0, os.SEEK_END)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _from_row(row: tuple[Any, ...]) -> Checkpoint:
    epoch, size, log_id, root, hash, recorded_at, key, signature = row
    return Checkpoint(
        log_id=log_id,
        epoch=epoch,
        size=size,
        root=bytes(root),
        hash=bytes(hash),
        recorded_at=recorded_at,
        key_id=key,
        signature=bytes(signature),
    )
