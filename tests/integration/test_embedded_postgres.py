"""The embedded Postgres on real processes: what was left behind never keeps it from starting."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from runtime.engines.child import processes_in
from runtime.engines.postgres import EXTENSIONS, EmbeddedPostgres
from runtime.errors import EngineBusy, EngineFailed
from runtime.installation import ROOT
from runtime.secret_files import SecretFiles


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    engine = EmbeddedPostgres(tmp_path / "postgres")
    yield engine
    engine.stop()


def write_a_row(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
        connection.execute("INSERT INTO kept VALUES (1)")


def rows(url: str) -> int:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT count(*) FROM kept").fetchone()
        assert found
        return int(found[0])


def test_only_the_right_password_comes_in(engine: EmbeddedPostgres) -> None:
    engine.start()
    with psycopg.connect(engine.owner_url) as connection:
        role = "SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user"
        assert connection.execute(role).fetchone() == ("noculture", False)
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(engine.app_url)  # migrations give it what it needs
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(engine.owner_url, password="guess")


def test_it_listens_on_loopback_only(engine: EmbeddedPostgres) -> None:
    engine.start()
    assert engine.pid
    listening = [
        connection.laddr
        for connection in psutil.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == engine.port
    ]
    assert {address.ip for address in listening} == {"127.0.0.1"}


def test_every_extension_is_there_and_trigrams_know_cyrillic(engine: EmbeddedPostgres) -> None:
    engine.start()
    with psycopg.connect(engine.admin_url()) as connection:
        for extension in EXTENSIONS:
            connection.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
        alike = connection.execute("SELECT similarity('полночь', 'полноч')").fetchone()
        assert alike
        assert alike[0] > 0.5
        synced = connection.execute("SHOW fsync").fetchone()
        assert synced == ("on",)


def test_after_kill_9_of_the_server_everything_committed_is_there(tmp_path: Path) -> None:
    killed = EmbeddedPostgres(tmp_path / "postgres")
    killed.start()
    write_a_row(killed.owner_url)
    assert killed.child
    killed.child.kill()
    killed.child.wait()
    killed._lock.release()  # as the kernel does when the process that held it ends

    again = EmbeddedPostgres(tmp_path / "postgres")
    again.start()
    assert rows(again.owner_url) == 1
    assert again.port == killed.port
    again.stop()


STARTER = """
import sys, time
from pathlib import Path
from runtime.engines.postgres import EmbeddedPostgres
engine = EmbeddedPostgres(Path(sys.argv[1]))
engine.start()
print(engine.pid, flush=True)
time.sleep(600)
"""


def started_elsewhere(folder: Path) -> tuple[subprocess.Popen[str], int]:
    """A server whose supervisor is another process; returns that process and the server's pid."""
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert starter.stdout
    return starter, int(starter.stdout.readline())


def test_a_server_whose_supervisor_was_killed_does_not_block_the_next_start(
    tmp_path: Path, engine: EmbeddedPostgres
) -> None:
    starter, server_pid = started_elsewhere(tmp_path / "postgres")
    starter.kill()
    starter.wait()
    engine.start()
    assert engine.pid != server_pid
    assert not psutil.pid_exists(server_pid)
    write_a_row(engine.owner_url)


def test_a_stopped_server_without_a_supervisor_is_ended(
    tmp_path: Path, engine: EmbeddedPostgres
) -> None:
    """SIGSTOP makes it deaf to the orphan's signal: it is still there at the next start."""
    starter, server_pid = started_elsewhere(tmp_path / "postgres")
    os.kill(server_pid, signal.SIGSTOP)
    starter.kill()
    starter.wait()
    os.kill(server_pid, signal.SIGCONT)
    engine.start()
    write_a_row(engine.owner_url)
    assert {process.pid for process in processes_in(tmp_path / "postgres/cluster", "postgres")}
    assert not psutil.pid_exists(server_pid)


def test_a_stale_pid_file_that_names_a_living_stranger_is_not_believed(
    tmp_path: Path, engine: EmbeddedPostgres
) -> None:
    engine.start()
    engine.stop()
    pid_file = tmp_path / "postgres" / "cluster" / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n/somewhere\n{int(time.time())}\n5432\n\n\n\n\n")
    engine.start()
    write_a_row(engine.owner_url)


def test_two_owners_of_one_folder_are_refused(tmp_path: Path, engine: EmbeddedPostgres) -> None:
    engine.start()
    with pytest.raises(EngineBusy):
        EmbeddedPostgres(tmp_path / "postgres").start()
    write_a_row(engine.owner_url)


def test_an_interrupted_initdb_is_done_again(tmp_path: Path, engine: EmbeddedPostgres) -> None:
    half = tmp_path / "postgres" / "cluster.unfinished"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    engine.start()
    write_a_row(engine.owner_url)
    assert not half.exists()


def test_lost_secrets_are_named(tmp_path: Path) -> None:
    engine = EmbeddedPostgres(tmp_path / "postgres", secrets=SecretFiles(tmp_path / "one"))
    engine.start()
    engine.stop()
    stranger = EmbeddedPostgres(tmp_path / "postgres", secrets=SecretFiles(tmp_path / "two"))
    with pytest.raises(EngineFailed, match="two"):
        stranger.start()
    stranger.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can close a folder to its own server")
def test_as_root_it_runs_as_a_plain_user_even_below_a_closed_folder(tmp_path: Path) -> None:
    closed = tmp_path / "closed to others"
    closed.mkdir(mode=0o700)
    engine = EmbeddedPostgres(closed / "postgres")
    engine.start()
    try:
        assert engine.pid
        assert psutil.Process(engine.pid).uids().effective != 0
        write_a_row(engine.owner_url)
    finally:
        engine.stop()
