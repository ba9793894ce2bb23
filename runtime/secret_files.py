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
        if (following := self.following("master_key")) is not None:
            keys.append(bytes.fromhex(following))
        return keys

    def following(self, name: str) -> str | None:
        """The new value of a rotation begun, if any; it takes the secret's place at the end."""
        path = self._next(name)
        return path.read_text().strip() if path.exists() else None

    def make_following(self, name: str) -> str:
        """The new value that an interrupted rotation left, else one made now."""
        return self._text(self._next(name).name)

    def replace(self, name: str) -> None:
        """Puts the new value in the place of the secret; the old value is gone."""
        self._next(name).replace(self.folder / name)
        self._sync()

    @property
    def signing_key(self) -> bytes:
        """32 bytes: signs cursors, tickets, form tokens and cookies."""
        return bytes.fromhex(self._text("signing_key"))

    @property
    def retired_signing_keys(self) -> tuple[bytes, ...]:
        """Earlier ones, newest first: recovery codes on paper were hashed with them."""
        return self._retired("signing_key")

    def record_mac_keys(self) -> tuple[bytes, ...]:
        """32 bytes each: prove the records on the topics. The first proves new ones; the others
        proved records that are still there.
        """
        return (bytes.fromhex(self._text("record_mac_key")), *self._retired("record_mac_key"))

    def retire(self, name: str) -> None:
        """Keeps the value of today for what was made with it; nothing new is."""
        value = self._text(name)
        if bytes.fromhex(value) in self._retired(name):
            return
        descriptor = os.open(
            self._retired_file(name), os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600
        )
        with os.fdopen(descriptor, "w") as file:
            file.write(value + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._sync()

    def forget_retired(self, name: str) -> None:
        """Drops earlier values once nothing is left that was made with them."""
        self._retired_file(name).unlink(missing_ok=True)
        self._sync()

    def _retired(self, name: str) -> tuple[bytes, ...]:
        path = self._retired_file(name)
        lines = path.read_text().split() if path.exists() else []
        return tuple(bytes.fromhex(line) for line in reversed(lines))

    def _retired_file(self, name: str) -> Path:
        return self.folder / f"{name}.retired"

    @property
    def log_signing_seed(self) -> bytes:
        """32 bytes: the Ed25519 key of checkpoints and certificates."""
        return bytes.fromhex(self._text("log_signing_seed"))

    @property
    def log_key_changes(self) -> Path:
        """Which keys signed the log before: no secret, but lost with the seed it explains."""
        return self.folder / "log_signing_keys.jsonl"

    @property
    def double_key(self) -> str:
        """Key that the doubles of outside services ask for."""
        return self._text("double_key")

    @property
    def postgres_admin_password(self) -> str:
        """Password of the cluster's superuser, as whom no part of the product signs in."""
        return self._text("postgres_admin_password")

    @property
    def postgres_owner_password(self) -> str:
        return self._text("postgres_owner_password")

    @property
    def postgres_app_password(self) -> str:
        return self._text("postgres_app_password")

    @property
    def postgres_worker_password(self) -> str:
        return self._text("postgres_worker_password")

    @property
    def postgres_relay_password(self) -> str:
        return self._text("postgres_relay_password")

    @property
    def postgres_reader_password(self) -> str:
        return self._text("postgres_reader_password")

    @property
    def postgres_backup_password(self) -> str:
        """Password of the role that may copy the whole cluster."""
        return self._text("postgres_backup_password")

    def kafka_password(self, user: str) -> str:
        """Password of one user of the embedded broker; in `kafka_<user>_password`."""
        return self._text(f"kafka_{user}_password")

    def _next(self, name: str) -> Path:
        return self.folder / f"{name}.next"

    def _sync(self) -> None:
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

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
