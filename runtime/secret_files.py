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

    @property
    def master_key(self) -> bytes:
        """32 bytes: encrypts the per-subject keys of personal data."""
        return bytes.fromhex(self._text("master_key"))

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
