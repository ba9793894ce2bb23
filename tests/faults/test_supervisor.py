"""Starting, stopping and surviving: the whole installation on real processes.

The parts run without a broker here, which starts in seconds; `test_story.py` starts all of them.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from runtime.engines.child import choose_free_port
from runtime.installation import ROOT
from tests.installation import Installation, eventually

PATIENCE_S = 60.0


class WithoutBroker(Installation):
    """Starts in seconds."""

    def up(self, *options: str) -> dict[str, Any]:
        return self.json("up", "--detach", "--event-log", "postgres", "--port", "0", *options)

    def supervisor_pid(self) -> int:
        return int(json.loads((self.data / "run" / "state.json").read_text())["pid"])


def ended(installation: WithoutBroker) -> None:
    if (installation.data / "run" / "state.json").exists():
        subprocess.run(
            [sys.executable, "-m", "runtime", "down", "--data", str(installation.data)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
        )


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[WithoutBroker]:
    installation = WithoutBroker(tmp_path / "an installation")
    yield installation
    ended(installation)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WithoutBroker]:
    """One for all who leave it running as it was."""
    running = WithoutBroker(tmp_path_factory.mktemp("shared") / "an installation")
    running.up()
    yield running
    ended(running)


def test_up_is_ready_when_it_returns_and_down_stops_in_reverse_order(
    installation: WithoutBroker,
) -> None:
    status = installation.up()
    assert status["ready"] is True
    assert status["kafka_bootstrap"] is None
    assert [part["name"] for part in status["parts"]] == ["postgres", "api", "worker", "analysis"]
    assert {part["state"] for part in status["parts"]} == {"running"}
    assert status["head"] == 0

    stopped = json.loads(installation("down", "--json").stdout)["stopped"]
    assert stopped == ["analysis", "worker", "api", "postgres"]
    assert not any(psutil.pid_exists(part["pid"]) for part in status["parts"])
    installation("status", code=3)
    installation("down", code=3)


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
    installation: WithoutBroker,
) -> None:
    status = installation.up()
    os.kill(installation.supervisor_pid(), signal.SIGKILL)
    eventually(
        lambda: not any(psutil.pid_exists(part["pid"]) for part in status["parts"]),
        "the end of every part",
    )
    installation("status", code=3)
    assert installation.up()["ready"] is True


def test_up_right_after_the_supervisor_was_killed_works(installation: WithoutBroker) -> None:
    before = installation.up()
    os.kill(installation.supervisor_pid(), signal.SIGKILL)
    after = installation.up()
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


def test_the_chosen_port_is_used(installation: WithoutBroker) -> None:
    port = choose_free_port()
    status = installation.up("--port", str(port))
    assert status["web"] == f"http://127.0.0.1:{port}"


def test_ctrl_c_in_the_terminal_stops_everything(installation: WithoutBroker) -> None:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "runtime", "up", "--event-log", "postgres", "--port", "0"),
            *("--data", str(installation.data)),
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
    pids = [part["pid"] for part in installation.status()["parts"]]
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert not any(psutil.pid_exists(pid) for pid in pids)


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
