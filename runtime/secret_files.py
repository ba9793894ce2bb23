"""The secrets of one installation: made once, in `<data>/secrets/`, for its owner only."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


class SecretFiles:
    """A folder of secrets; each is generated when it is first asked for.

    Several machines of one installation share the folder (setting `secrets_dir`). It is never part
    of the database's backup: without it, erased people stay erased.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    @property
    def installation_key(self) -> bytes:
        """32 bytes: HMAC of command inputs and personal claim keys."""
        return bytes.fromhex(self._text("installation_key"))

    def master_keys(self) -> list[bytes]:
        """32 bytes each: encrypt the per-subject keys of personal data; two during a rotation."""
        keys = [bytes.fromhex(self._text("master_key"))]
        if self.next_master_key.exists():
            keys.append(bytes.fromhex(self._text(self.next_master_key.name)))
        return keys

    @property
    def next_master_key(self) -> Path:
        """The file of the key that a rotation goes over to; it replaces `master_key` at its end."""
        return self.folder / "master_key.next"

    def make_next_master_key(self) -> bytes:
        """The one that an interrupted rotation left, or a new one."""
        return bytes.fromhex(self._text(self.next_master_key.name))

    def replace_master_key(self) -> None:
        """The next one is the master key from now on; the old one is gone."""
        self.next_master_key.replace(self.folder / "master_key")
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    @property
    def signing_key(self) -> bytes:
        """32 bytes: signs sessions, cursors and form tokens."""
        return bytes.fromhex(self._text("signing_key"))

    @property
    def log_signing_seed(self) -> bytes:
        """32 bytes: the Ed25519 key of checkpoints and certificates."""
        return bytes.fromhex(self._text("log_signing_seed"))

    @property
    def postgres_owner_password(self) -> str:
        return self._text("postgres_owner_password")

    @property
    def postgres_app_password(self) -> str:
        return self._text("postgres_app_password")

    def _text(self, name: str) -> str:
        path = self.folder / name
        if not path.exists():
            self._make(path)
        return path.read_text().strip()

    def _make(self, path: Path) -> None:
        """Write beside and link: two processes that ask at once get the same secret."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(unfinished, path)
        except FileExistsError:
            pass
        finally:
            unfinished.unlink()
