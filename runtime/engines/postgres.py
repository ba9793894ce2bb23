"""The embedded Postgres 18: password logins only, loopback only, everything synced to disk."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

from runtime.engines.child import (
    end_processes,
    keep_or_choose_port,
    last_line,
    processes_in,
    spawn,
    stop_child,
    wait_until_ready,
)
from runtime.engines.postgres_programs import PostgresPrograms, find_programs
from runtime.errors import EngineFailed, PostgresUnavailable
from runtime.folder_lock import FolderLock
from runtime.secret_files import SecretFiles

if TYPE_CHECKING:
    import psycopg

HOST = "127.0.0.1"
DATABASE = "noculture"
EXTENSIONS = ("vector", "btree_gist", "pg_trgm", "unaccent", "cube", "earthdistance")
STOP_PATIENCE_S = 30
# The file of each role's password among the installation's secrets.
PASSWORDS = {
    "noculture_admin": "postgres_admin_password",
    # In use only while an older cluster is upgraded.
    "noculture_upgrade": "postgres_admin_password",
    "noculture": "postgres_owner_password",
    "noculture_app": "postgres_app_password",
    "noculture_worker": "postgres_worker_password",
    "noculture_relay": "postgres_relay_password",
    "noculture_reader": "postgres_reader_password",
    "noculture_backup": "postgres_backup_password",
}
# musl and older macOS have no C.UTF-8; in `C` pg_trgm finds nothing in Cyrillic (DESIGN §8).
CTYPE_NAMES = ("C.UTF-8", "en_US.UTF-8", "UTF-8")

SERVER_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "fsync": "on",
    "synchronous_commit": "on",
    # This build knows pglz only, which costs more than the bytes it saves: 100 old streams in one
    # append to a log of a million events took 8.8 ms with it, 5.1 without.
    "wal_compression": "off",
    "max_wal_size": "2GB",
    # For `backup --follow`: after a crash the checkpoint drops segments at once, also those that a
    # receiver was in the middle of.
    "wal_keep_size": "512MB",
    "checkpoint_completion_target": "0.9",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    # Errors quote the values that they are about: whoever sent the statement tells of them, by
    # codes. What Postgres says of itself, of sessions that end and of stops stays.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}


@dataclass(frozen=True, slots=True)
class Database:
    """How to reach one database as each role that has business in it."""

    owner_url: str
    app_url: str
    worker_url: str
    relay_url: str
    reader_url: str
    admin_url: str


class EmbeddedPostgres:
    """One server over one data folder. `start()` returns when it accepts queries.

    The database `noculture` belongs to the role `noculture`, which migrations use; what each of the
    others is for stands in docs/adr/0022. Passwords live in `secrets` (default: the folder
    `secrets` beside the data). `settings` are put over SERVER_SETTINGS. Raises
    PostgresUnavailable (exit code 4), EngineBusy, EngineFailed.
    """

    superuser = "noculture_admin"

    def __init__(
        self,
        data_dir: Path,
        log: Path | None = None,
        secrets: SecretFiles | None = None,
        settings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._dir = Path(data_dir).absolute()
        self._cluster = self._dir / "cluster"
        self.log = log or self._dir / "postgres.log"
        self._secrets = secrets or SecretFiles(self._dir.parent / "secrets")
        self._lock = FolderLock(self._dir / "lock")
        self._settings = {**SERVER_SETTINGS, **settings}
        self._programs: PostgresPrograms | None = None
        self.child: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def owner_url(self) -> str:
        """DSN of the role that owns the database and may migrate it."""
        return self.url("noculture")

    @property
    def app_url(self) -> str:
        """DSN of the role that the API uses."""
        return self.url("noculture_app")

    @property
    def worker_url(self) -> str:
        """DSN of the role that makes the read models and works behind the log."""
        return self.url("noculture_worker")

    @property
    def relay_url(self) -> str:
        return self.url("noculture_relay")

    @property
    def reader_url(self) -> str:
        """DSN of the role that only reads, for operators and auditors."""
        return self.url("noculture_reader")

    @property
    def backup_url(self) -> str:
        """DSN of the role that may copy the whole cluster, by the replication protocol only."""
        return self.url("noculture_backup")

    def admin_url(self, database: str = DATABASE) -> str:
        """DSN of the superuser, for us alone."""
        return self.url("noculture_admin", database)

    def url(self, role: str, database: str = DATABASE) -> str:
        return self._url(role, self._password(role), database)

    def known_port(self) -> Self:
        """The same with the port that the running server has, for who did not start it."""
        self.port = int((self._dir / "port").read_text())
        return self

    def database(self, name: str = DATABASE) -> Database:
        logins = ("noculture", "noculture_app", "noculture_worker", "noculture_relay")
        others = ("noculture_reader", "noculture_admin")
        return Database(*(self.url(role, name) for role in (*logins, *others)))

    def make_database(self, name: str, template: str | None = None) -> Database:
        """Another database beside the product's, with the same owner and as closed; a copy of
        `template` has all of that one's rights. Migrations, or `grant_on_database`, do the rest.
        """
        import psycopg

        from runtime.engines.postgres_roles import close_database, ensure_database
        from runtime.rights import Roles, grant_on_database

        with psycopg.connect(self.admin_url("postgres"), autocommit=True) as admin:
            ensure_database(admin, name, template)
        if template is None:
            with psycopg.connect(self.admin_url(name), autocommit=True) as admin:
                close_database(admin)
        with psycopg.connect(self.url("noculture", name), autocommit=True) as owner:
            grant_on_database(owner, Roles())
        return self.database(name)

    def drop_database(self, name: str) -> None:
        import psycopg

        with psycopg.connect(self.admin_url("postgres"), autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())

    @property
    def pid(self) -> int | None:
        return self.child.pid if self.child else None

    def start(self) -> None:
        """Prepare, launch and wait until queries are answered."""
        self.prepare()
        self.launch()
        self.wait_ready()

    def prepare(self, said: Callable[[str], None] = lambda _text: None) -> None:
        """Find the programs, end leftovers of an earlier start, make the first cluster."""
        self._lock.take()
        self._programs = find_programs(self._cluster)
        if not (self._cluster / "PG_VERSION").exists():
            said("making the database cluster")
            self._make_cluster(self._programs)
        self._end_leftovers()
        self.port = keep_or_choose_port(self._dir / "port")

    def launch(self) -> None:
        """Start the process; call it from a long-lived thread (see `child.spawn`)."""
        assert self._programs is not None
        settings = self._settings | {"port": str(self.port)}
        flags = [part for item in settings.items() for part in ("-c", "=".join(item))]
        data_folder = self._programs.data_folder_argument(self._cluster)
        self.child = spawn(
            [self._programs.program("postgres"), "-D", data_folder, *flags],
            cwd=self._cluster,
            log=self.log,
            orphan_signal=signal.SIGINT,  # fast shutdown
            user=self._programs.user,
            env=_server_environment(),
        )

    def wait_ready(self) -> None:
        """Wait as long as it takes: crash recovery may run for minutes and says so meanwhile."""
        assert self.child is not None
        wait_until_ready("Postgres", self.child, self.log, self.became_ready, self._progress)

    def became_ready(self) -> bool:
        """True once it can be used, with our roles and database in it."""
        if not self.answers():
            return False
        self._ensure_roles()
        return True

    def answers(self) -> bool:
        """True if the admin can run a query. A cluster of before is brought along first."""
        import psycopg

        try:
            with psycopg.connect(self.admin_url("postgres")):
                return True
        except psycopg.OperationalError as error:
            if "password authentication failed" not in str(error):
                return False
            if not self._finish_exchange():
                self._bring_along(error)
            return True

    def stop(self) -> None:
        """Stop in order; afterwards the folder is free for another start."""
        if self.child:
            if not stop_child(self.child, signal.SIGINT, STOP_PATIENCE_S):
                self._end_leftovers()
            self.child = None
        self._lock.release()

    def detail(self) -> str | None:
        """The last line of its log."""
        return last_line(self.log)

    def _password(self, role: str) -> str:
        return str(getattr(self._secrets, PASSWORDS[role]))

    def _url(self, role: str, password: str, database: str = DATABASE) -> str:
        return f"postgresql://{role}:{quote(password)}@{HOST}:{self.port}/{database}"

    def _progress(self) -> tuple[int, float]:
        """Recovery writes its log every 10 s, and uses CPU time in between."""
        import psutil

        cpu_s = 0.0
        for process in processes_in(self._cluster, "postgres"):
            try:
                cpu_s += sum(process.cpu_times()[:2])
            except psutil.Error:
                continue
        return self.log.stat().st_size, cpu_s

    def _end_leftovers(self) -> None:
        """A postmaster or its orphans of an earlier start would keep the cluster from starting."""
        end_processes(processes_in(self._cluster, "postgres"), signal.SIGINT, STOP_PATIENCE_S)
        # With no process of this cluster left, its pid file is stale, whoever has that pid today.
        (self._cluster / "postmaster.pid").unlink(missing_ok=True)

    def _make_cluster(self, programs: PostgresPrograms) -> None:
        """initdb in a folder beside, renamed when it is whole."""
        unfinished = self._dir / "cluster.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.rmtree(self._cluster, ignore_errors=True)  # it has no PG_VERSION: never a cluster
        failure = ""
        for ctype in CTYPE_NAMES:
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(mode=0o700)
            if programs.user:
                os.chown(unfinished, *programs.user)
            if not (failure := self._run_initdb(programs, unfinished, ctype)):
                unfinished.rename(self._cluster)
                return
            if "locale" not in failure:
                break
        raise PostgresUnavailable(f"initdb says: {failure}")

    def _run_initdb(self, programs: PostgresPrograms, folder: Path, ctype: str) -> str:
        """Returns what went wrong, or nothing."""
        with tempfile.NamedTemporaryFile("w", prefix="noculture-", dir=_reachable_tmp()) as secret:
            secret.write(self._password(self.superuser))
            secret.flush()
            if programs.user:
                os.chown(secret.name, *programs.user)
            command = [
                programs.program("initdb"),
                *("-D", programs.data_folder_argument(folder)),
                *("-U", self.superuser, f"--pwfile={secret.name}"),
                *("--auth-host=scram-sha-256", "--auth-local=scram-sha-256", "--encoding=UTF8"),
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
                f"--lc-ctype={ctype}",
            ]
            initdb = spawn(
                command,
                cwd=folder,
                log=self.log,
                orphan_signal=signal.SIGTERM,
                user=programs.user,
                env=_server_environment(),
            )
            if initdb.wait() == 0:
                return ""
        lines = self.log.read_text(errors="replace").splitlines()
        return " ".join(line for line in lines if "error" in line)[-300:] or str(
            last_line(self.log)
        )

    def _ensure_roles(self) -> None:
        import psycopg

        from runtime.engines.postgres_roles import (
            close_database,
            ensure_database,
            ensure_logins,
        )

        with psycopg.connect(self.admin_url("postgres"), autocommit=True) as admin:
            ensure_logins(admin, self._password)
            ensure_database(admin, DATABASE)
        with psycopg.connect(self.admin_url(), autocommit=True) as admin:
            close_database(admin)

    def _finish_exchange(self) -> bool:
        """True if an exchange of the admin's password was cut off behind its statement."""
        import psycopg

        from runtime.engines.postgres_roles import ADMIN_ROLE

        following = self._secrets.following(PASSWORDS[ADMIN_ROLE])
        if following is None:
            return False
        try:
            psycopg.connect(self._url(ADMIN_ROLE, following, "postgres")).close()
        except psycopg.OperationalError:
            return False
        self._secrets.replace(PASSWORDS[ADMIN_ROLE])
        return True

    def _bring_along(self, refused: psycopg.OperationalError) -> None:
        """Upgrades a cluster whose superuser owns the database, as until version 0.1. Raises
        EngineFailed if these are not the cluster's secrets.
        """
        import psycopg

        from runtime.engines.postgres_roles import UPGRADE_ROLE, is_superuser, rename_superuser

        old_url = self.url("noculture", "postgres")
        try:
            with psycopg.connect(old_url) as owner:
                is_old = is_superuser(owner)
        except psycopg.OperationalError:
            is_old = False
        if not is_old:
            raise EngineFailed(
                "Postgres", f"the password in {self._secrets.folder} is not its own", self.log
            ) from refused
        rename_superuser(
            old_url, self.url(UPGRADE_ROLE, "postgres"), self._secrets.postgres_admin_password
        )


def _server_environment() -> dict[str, str]:
    """No PG* or locale setting of the caller reaches the server; no secret of ours either."""
    keep = ("PATH", "TMPDIR", "LD_LIBRARY_PATH", "TZDIR")
    return {name: os.environ[name] for name in keep if name in os.environ} | {"LC_ALL": "C"}


def _reachable_tmp() -> str | None:
    """The common folder for a root that drops its rights (TMPDIR may be closed to others)."""
    return "/tmp" if os.geteuid() == 0 else None  # noqa: S108
