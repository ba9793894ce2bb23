"""Which keys sign the log, one after another: the old one signs the new (docs/adr/0010)."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from events.store.checkpoints import BadCheckpoint, Checkpoint, origin
from events.store.signing import LogSigner, is_signed


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChange:
    """Behind the checkpoint (`epoch`, `size`), `public_key` signs in the place of `follows`.

    Keys are 32 bytes. `signature` (64 bytes, Ed25519) is the old key's, over `text`.
    """

    log_id: str
    follows: bytes
    public_key: bytes
    epoch: int
    size: int
    signature: bytes = b""

    @property
    def text(self) -> str:
        """The text that is signed."""
        return (
            f"{origin(self.log_id)}\nkey {self.public_key.hex()}\nfollows {self.follows.hex()}\n"
            f"after epoch {self.epoch} size {self.size}\n"
        )

    @property
    def is_signed(self) -> bool:
        return is_signed(self.text.encode(), self.signature, self.follows)

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "key",
            "log_id": self.log_id,
            "public_key": self.public_key.hex(),
            "follows": self.follows.hex(),
            "epoch": self.epoch,
            "size": self.size,
            "signature": base64.b64encode(self.signature).decode(),
        }

    @classmethod
    def from_json(cls, read: dict[str, Any]) -> KeyChange:
        """Raises KeyError, TypeError, ValueError."""
        return cls(
            log_id=read["log_id"],
            follows=bytes.fromhex(read["follows"]),
            public_key=bytes.fromhex(read["public_key"]),
            epoch=int(read["epoch"]),
            size=int(read["size"]),
            signature=base64.b64decode(read["signature"], validate=True),
        )


@dataclass(frozen=True, slots=True)
class KnownKeys:
    """Keys that may have signed a checkpoint: today's, and before each change the one before it."""

    current: bytes
    changes: tuple[KeyChange, ...] = ()

    def check(self, checkpoints: Sequence[Checkpoint], where: str) -> None:
        """Raises BadCheckpoint: also for one that a key signed after it was given up."""
        for checkpoint in checkpoints:
            if not checkpoint.is_signed_by(self._of(checkpoint)):
                raise BadCheckpoint(
                    where, f"the checkpoint of {checkpoint.size} is not signed by this installation"
                )

    def _of(self, checkpoint: Checkpoint) -> bytes:
        later = (c for c in self.changes if checkpoint.key <= (c.epoch, c.size))
        change = next(later, None)
        return change.follows if change else self.current


class KeyChanges:
    """One change a line, JSON, appended and synced. Part of no backup of the database."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> tuple[KeyChange, ...]:
        """Raises BadCheckpoint for a line that no key before it has signed."""
        try:
            lines = self.path.read_bytes().rpartition(b"\n")[0].splitlines()
        except FileNotFoundError:
            return ()
        try:
            changes = tuple(KeyChange.from_json(json.loads(line)) for line in lines)
        except (KeyError, TypeError, ValueError) as error:
            raise BadCheckpoint(self.path.name, "a line is no change of keys") from error
        for before, change in zip((None, *changes), changes, strict=False):
            if not change.is_signed or (before and before.public_key != change.follows):
                raise BadCheckpoint(self.path.name, "a key is not signed by the one before it")
        return changes

    def append(self, change: KeyChange) -> None:
        """On disk when it returns."""
        with open(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600), "r+b") as file:
            whole = file.read().rfind(b"\n") + 1
            file.truncate(whole)
            file.seek(whole)
            file.write(json.dumps(change.to_json()).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


class Signing(Protocol):
    """Asked each time that something is signed: the key may have been exchanged meanwhile."""

    def now(self) -> tuple[LogSigner, KnownKeys]: ...


@dataclass(frozen=True, slots=True)
class OneKey:
    """A signer whose key never changed."""

    signer: LogSigner

    def now(self) -> tuple[LogSigner, KnownKeys]:
        return self.signer, KnownKeys(self.signer.public_key)
