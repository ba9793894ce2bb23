"""The embedded Postgres 18: password logins only, loopback only, everything synced to disk."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
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

HOST = "127.0.0.1"
DATABASE = "noculture"
OWNER_ROLE = "noculture"
APP_ROLE = "noculture_app"
EXTENSIONS = ("vector", "btree_gist", "pg_trgm", "unaccent", "cube", "earthdistance")
STOP_PATIENCE_S = 30
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


class EmbeddedPostgres:
    """One server over one data folder. `start()` returns when it accepts queries.

    The database `noculture` belongs to the role `noculture`; `noculture_app` is an unprivileged
    login that migrations grant what it needs. Passwords live in `secrets` (default: the folder
    `secrets` beside the data). Raises PostgresUnavailable (exit code 4), EngineBusy, EngineFailed.
    """

    def __init__(
        self, data_dir: Path, log: Path | None = None, secrets: SecretFiles | None = None
    ) -> None:
        self._dir = Path(data_dir).absolute()
        self._cluster = self._dir / "cluster"
        self.log = log or self._dir / "postgres.log"
        self._secrets = secrets or SecretFiles(self._dir.parent / "secrets")
        self._lock = FolderLock(self._dir / "lock")
        self._programs: PostgresPrograms | None = None
        self.child: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def owner_url(self) -> str:
        """DSN of the role that owns the database and may migrate it."""
        return self._url(OWNER_ROLE, self._secrets.postgres_owner_password)

    @property
    def app_url(self) -> str:
        """DSN of the role that the application uses."""
        return self._url(APP_ROLE, self._secrets.postgres_app_password)

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
        settings = SERVER_SETTINGS | {"port": str(self.port)}
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
        """True if the owner can run a query."""
        import psycopg

        try:
            with psycopg.connect(self._url(OWNER_ROLE, self._password, "postgres")):
                return True
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise EngineFailed(
                    "Postgres", f"the password in {self._secrets.folder} is not its own", self.log
                ) from error
            return False

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

    @property
    def _password(self) -> str:
        return self._secrets.postgres_owner_password

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
            secret.write(self._password)
            secret.flush()
            if programs.user:
                os.chown(secret.name, *programs.user)
            command = [
                programs.program("initdb"),
                *("-D", programs.data_folder_argument(folder)),
                *("-U", OWNER_ROLE, f"--pwfile={secret.name}"),
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
        from psycopg import sql

        owner = self._url(OWNER_ROLE, self._password, "postgres")
        with psycopg.connect(owner, autocommit=True) as connection:
            if not connection.execute(
                "SELECT 1 FROM pg_roles WHERE rolname = %s", [APP_ROLE]
            ).fetchone():
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(APP_ROLE)))
                connection.execute(
                    sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                        sql.Identifier(APP_ROLE), sql.Literal(self._secrets.postgres_app_password)
                    )
                )
            if not connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]
            ).fetchone():
                connection.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(
                        sql.Identifier(DATABASE), sql.Identifier(OWNER_ROLE)
                    )
                )


def _server_environment() -> dict[str, str]:
    """No PG* or locale setting of the caller reaches the server; no secret of ours either."""
    keep = ("PATH", "TMPDIR", "LD_LIBRARY_PATH", "TZDIR")
    return {name: os.environ[name] for name in keep if name in os.environ} | {"LC_ALL": "C"}


def _reachable_tmp() -> str | None:
    """The common folder for a root that drops its rights (TMPDIR may be closed to others)."""
    return "/tmp" if os.geteuid() == 0 else None  # noqa: S108
