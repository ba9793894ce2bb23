"""Starting, stopping and surviving: the whole installation on real processes.

The parts run without a broker here, which starts in seconds; `test_story.py` starts all of them.
One installation for all tests of this file, in their order: a start costs eight seconds of
processor time. Each leaves it running, but the last two.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from runtime.engines.child import choose_free_port
from runtime.installation import ROOT
from runtime.mailing import mailer
from runtime.settings import load_settings
from tests.installation import Installation, eventually

PATIENCE_S = 60.0
FREE_PORT = ("--port", "0")


class WithoutBroker(Installation):
    """Starts in seconds."""

    def up(self, *options: str) -> dict[str, Any]:
        return self.json("up", "--detach", "--event-log", "postgres", *(options or FREE_PORT))

    def supervisor_pid(self) -> int:
        return int(json.loads((self.data / "run" / "state.json").read_text())["pid"])


@dataclass(frozen=True)
class Started:
    """An installation, the port that was asked for, and what its `up` said."""

    installation: WithoutBroker
    port: int
    told: dict[str, Any]


def ended(installation: WithoutBroker) -> None:
    if (installation.data / "run" / "state.json").exists():
        subprocess.run(
            [sys.executable, "-m", "runtime", "down", "--data", str(installation.data)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
        )


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    installation = WithoutBroker(tmp_path_factory.mktemp("shared") / "an installation")
    port = choose_free_port()
    yield Started(installation, port, installation.up("--port", str(port)))
    ended(installation)


@pytest.fixture
def running(started: Started) -> WithoutBroker:
    return started.installation


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[WithoutBroker]:
    """One that was never started."""
    installation = WithoutBroker(tmp_path / "an installation")
    yield installation
    ended(installation)


def test_up_is_ready_when_it_returns_on_the_port_that_was_chosen(started: Started) -> None:
    status = started.told
    assert status["ready"] is True
    assert status["kafka_bootstrap"] is None
    assert [part["name"] for part in status["parts"]] == ["postgres", "api", "worker", "analysis"]
    assert {part["state"] for part in status["parts"]} == {"running"}
    assert status["head"] == 0
    assert status["web"] == f"http://127.0.0.1:{started.port}"


def test_the_status_gives_a_role_that_only_reads_and_the_owner_when_asked(
    running: WithoutBroker,
) -> None:
    with psycopg.connect(running.status()["database_url"]) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("noculture_reader",)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM credentials_logins")
    plain = running.json("status")
    assert "secrets" not in plain
    secrets = running.json("status", "--secrets")["secrets"]
    assert set(secrets) == {"owner_database_url", "kafka"}
    with psycopg.connect(secrets["owner_database_url"]) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("noculture",)


def test_no_process_and_no_file_of_a_running_part_names_the_owner(running: WithoutBroker) -> None:
    owner = running.json("status", "--secrets")["secrets"]["owner_database_url"]
    password = psycopg.conninfo.conninfo_to_dict(owner)["password"]
    for part in running.status()["parts"]:
        assert password not in str(psutil.Process(part["pid"]).environ())
    for file in (running.data / "run").glob("*.json"):
        assert password not in file.read_text()


def test_a_second_up_says_what_runs_and_starts_nothing(running: WithoutBroker) -> None:
    first = running.status()
    again = running("up")
    assert first["web"] in again.stdout
    assert "worker running" in again.stderr
    pids = [part["pid"] for part in running.status()["parts"]]
    assert pids == [part["pid"] for part in first["parts"]]


@pytest.mark.parametrize("name", ["worker", "analysis", "api", "postgres"])
def test_a_killed_part_is_started_again_and_the_others_go_on(
    running: WithoutBroker, name: str
) -> None:
    status = running.status()
    before = running.part(name)["pid"]
    os.kill(before, signal.SIGKILL)
    eventually(lambda: running.part(name)["pid"] not in (None, before), f"a new process of {name}")
    eventually(running.all_running, "everything running again")
    after = running.status()
    assert after["web"] == status["web"]
    assert after["database_url"] == status["database_url"]
    assert after["head"] == 0


def test_a_double_starts_at_the_first_connection_and_again_after_it_was_killed(
    running: WithoutBroker,
) -> None:
    """An installation that is not used has no process for it."""

    def double() -> dict[str, Any]:
        (found,) = running.status()["doubles"]
        return dict(found)

    def of_supervisor() -> list[str]:
        children = psutil.Process(running.supervisor_pid()).children()
        return [" ".join(child.cmdline()) for child in children]

    first = double()
    assert (first["name"], first["state"], first["pid"]) == ("mail", "asleep", None)
    assert not any("run double" in command for command in of_supervisor())
    sending = mailer(load_settings(running.data))
    sending.send("ada@example.org", "First", "text")
    eventually(lambda: double()["state"] == "running", "what `status` says of the double")
    os.kill(double()["pid"], signal.SIGKILL)
    sending.send("ada@example.org", "Second", "text")
    assert len(list((running.data / "outbox").glob("*.eml"))) == 2
    after = double()
    assert after["url"] == first["url"]
    assert after["pid"] is not None
    assert "need not start it" in running("run", "double", "mail", code=2).stderr


def test_a_part_that_cannot_start_is_shown_with_its_last_words(running: WithoutBroker) -> None:
    (running.data / "settings.env").write_text("NOCULTURE_LOG_LEVEL=shouting\n")
    os.kill(running.part("worker")["pid"], signal.SIGKILL)

    def shown() -> bool:
        worker = running.part("worker")
        return worker["state"] == "restarting" and bool(worker["detail"])

    try:
        eventually(shown, "a restarting worker")
    finally:
        (running.data / "settings.env").unlink()
    eventually(lambda: running.part("worker")["state"] == "running", "its recovery")


def test_when_the_supervisor_is_killed_its_parts_end_and_the_next_up_works(
    running: WithoutBroker,
) -> None:
    parts = running.status()["parts"]
    os.kill(running.supervisor_pid(), signal.SIGKILL)
    eventually(
        lambda: not any(psutil.pid_exists(part["pid"]) for part in parts),
        "the end of every part",
    )
    running("status", code=3)
    assert running.up()["ready"] is True


def test_up_right_after_the_supervisor_was_killed_works(running: WithoutBroker) -> None:
    before = running.status()
    os.kill(running.supervisor_pid(), signal.SIGKILL)
    after = running.up()
    assert after["ready"] is True
    assert {part["pid"] for part in before["parts"]}.isdisjoint(
        part["pid"] for part in after["parts"]
    )


def test_a_chosen_port_that_is_taken_is_named(installation: WithoutBroker) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = installation(
            "up", "--detach", "--event-log", "postgres", "--port", str(port), code=1
        )
    assert str(port) in done.stderr
    assert "--port" in done.stderr
    installation("status", code=3)


def test_a_broker_that_cannot_be_had_is_named_with_the_way_without_it(
    installation: WithoutBroker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mirror = tmp_path / "jgo.conf"
    mirror.write_text("[repositories]\ncentral = http://127.0.0.1:9\n")
    monkeypatch.setenv("JGO_CONFIG_FILE", str(mirror))
    monkeypatch.setenv("NOCULTURE_CACHE_DIR", str(tmp_path / "empty cache"))
    done = installation("up", "--detach", "--json", "--port", "0", code=4)
    assert json.loads(done.stdout)["error"]["code"] == "kafka-unavailable"
    assert "--event-log postgres" in done.stderr


def test_nothing_of_an_installation_is_readable_by_others(running: WithoutBroker) -> None:
    assert running.data.stat().st_mode & 0o077 == 0
    for name in ("state.json", "engines.json"):
        assert (running.data / "run" / name).stat().st_mode & 0o077 == 0


def test_down_stops_in_reverse_order(running: WithoutBroker) -> None:
    parts = running.status()["parts"]
    stopped = json.loads(running("down", "--json").stdout)["stopped"]
    assert stopped == ["analysis", "worker", "api", "postgres"]
    assert not any(psutil.pid_exists(part["pid"]) for part in parts)
    running("status", code=3)
    running("down", code=3)


def test_ctrl_c_in_the_terminal_stops_everything(running: WithoutBroker) -> None:
    ended(running)
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "runtime", "up", "--event-log", "postgres", "--port", "0"),
            *("--data", str(running.data)),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    assert "http://127.0.0.1:" in process.stdout.readline()
    pids = [part["pid"] for part in running.status()["parts"]]
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert not any(psutil.pid_exists(pid) for pid in pids)
