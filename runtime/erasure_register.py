"""The erasure register: who was erased, in a file outside the database.

A backup that is restored knows nothing of erasures that came after it; this file does. It holds
ids only, one signed line each.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from events.errors import NoCultureError
from events.times import rfc3339, utc_now

if TYPE_CHECKING:
    from runtime.settings import Settings

NAME = "register.jsonl"


class RegisterDamaged(NoCultureError):
    status, code = 500, "erasure-register-damaged"

    def __init__(self, path: Path, line: int) -> None:
        super().__init__(
            f"{path}, line {line} is not what was written there: put back the file from its backup."
            " Without it a restored database could bring erased people back"
        )


class RegisterUnwritable(NoCultureError):
    status, code = 500, "erasure-register-unwritable"

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(
            f"{path} cannot be used ({error.strerror}): make its folder writable for this user;"
            " until then nobody's key is destroyed"
        )


@dataclass(frozen=True, slots=True)
class Registered:
    subject_id: str
    workspace_id: str
    erasure_id: str
    registered_at: str


def register_of(settings: Settings) -> ErasureRegister:
    return ErasureRegister(settings.erasure_dir, settings.secrets.installation_key)


class ErasureRegister:
    """`key` signs the lines (HMAC-SHA256); several processes may write."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self.path, self._key = Path(folder) / NAME, key

    def add(self, *, subject_id: str, workspace_id: str, erasure_id: str) -> None:
        """Raises RegisterDamaged, RegisterUnwritable: then nothing may be destroyed."""
        try:
            with self._locked() as file:
                content = file.read()
                whole = content[: content.rfind(b"\n") + 1]
                if any(each.subject_id == subject_id for each in self._parsed(whole)):
                    return
                # A line torn by a crash was never acted upon: it is written over.
                file.truncate(len(whole))
                file.seek(len(whole))
                entry = Registered(subject_id, workspace_id, erasure_id, rfc3339(utc_now()))
                file.write(self._line(entry))
                file.flush()
                os.fsync(file.fileno())
            _sync_folder(self.path.parent)
        except OSError as error:
            raise RegisterUnwritable(self.path, error) from error

    def entries(self) -> list[Registered]:
        """Everybody, oldest first; empty without a file. Raises RegisterDamaged."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise RegisterUnwritable(self.path, error) from error
        return self._parsed(content[: content.rfind(b"\n") + 1])

    @contextmanager
    def _locked(self) -> Iterator[BinaryIO]:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file

    def _parsed(self, content: bytes) -> list[Registered]:
        entries = []
        for number, line in enumerate(content.splitlines(), 1):
            try:
                fields = json.loads(line)
                mac = fields.pop("mac")
                entry = Registered(**fields)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise RegisterDamaged(self.path, number) from error
            if not hmac.compare_digest(str(mac), self._mac(entry)):
                raise RegisterDamaged(self.path, number)
            entries.append(entry)
        return entries

    def _line(self, entry: Registered) -> bytes:
        return json.dumps({**asdict(entry), "mac": self._mac(entry)}).encode() + b"\n"

    def _mac(self, entry: Registered) -> str:
        text = json.dumps(asdict(entry), sort_keys=True, separators=(",", ":"))
        signed = f"erasure register\x1f{text}".encode()
        return hmac.new(self._key, signed, hashlib.sha256).hexdigest()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
