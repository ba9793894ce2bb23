"""docs/operations.md: a database that is put back behind Kafka, and a Kafka that is gone.

One installation with Kafka, in the order of a bad week.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil
import pytest

from events.times import rfc3339, utc_now
from runtime.demo_music import render
from runtime.engines.child import choose_free_port
from runtime.installation import ROOT
from tests.installation import Installation, eventually
from tests.operations import PASSWORD, Operator, Visitor, readiness


@dataclass
class Week:
    operator: Operator
    web: str
    port: str
    track: bytes

    @property
    def installation(self) -> Installation:
        return self.operator.installation

    def visitor(self) -> Visitor:
        return Visitor(self.web)

    def healthy(self) -> None:
        """Nothing is refused any more and every read model is what the log says."""
        eventually(lambda: readiness(self.web) == {}, "readiness")
        self.operator.at_head()
        assert self.operator.every_view_is_what_the_log_says()


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Week]:
    folder = tmp_path_factory.mktemp("operations")
    render(folder / "music", count=1, seed=3, duration_s=4.0)
    track = next((folder / "music").glob("*")).read_bytes()
    installation = Installation(folder / "data")
    safe = folder / "safe"
    safe.mkdir(mode=0o700)
    variables = {"BACKUPS": str(folder / "backups"), "SAFE": str(safe)}
    web = installation.json("up", "--detach", "--port", "0")["web"]
    port = web.rsplit(":", 1)[1]
    variables["NOCULTURE_PORT"] = port
    try:
        yield Week(Operator(installation, variables), web, port, track)
    finally:
        subprocess.run(
            [sys.executable, "-m", "runtime", "down", "--data", str(installation.data)],
            cwd=ROOT,
            capture_output=True,
            timeout=180,
        )


@contextmanager
def following(week: Week) -> Iterator[None]:
    """`backup --follow`, from its first whole backup until it is told to stop."""
    backups = week.operator.variables["BACKUPS"]
    command = [sys.executable, "-m", "runtime", "backup", backups, "--follow", "--json"]
    environment = {**os.environ, "NOCULTURE_DATA": str(week.installation.data)}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as follower:
        assert follower.stdout is not None
        try:
            assert json.loads(follower.stdout.readline())["head"] > 0
            yield
        finally:
            follower.send_signal(signal.SIGTERM)
            code = follower.wait(60)
    assert code == 0


def test_restored_to_a_moment_it_stops_loudly_and_recovers(week: Week):
    ada, eve = week.visitor(), week.visitor()
    ada.signs_up("ada")
    eve.signs_up("eve")
    week.operator.does("Back up")
    week.operator.does("Back up", 1)
    with following(week):
        # The database goes away under the follower, which finds it again.
        os.kill(week.installation.part("postgres")["pid"], signal.SIGKILL)
        eventually(lambda: not week.installation.all_running(), "the end of the database")
        eventually(week.installation.all_running, "the database's return")
        kept = ada.uploads("kept.flac", week.track)
        address = f"/api/assets/{kept}"
        eventually(lambda: ada.http.get(address).json().get("state") == "analysed", "the analysis")
        week.operator.at_head()
        moment, head_then = utc_now(), week.operator.events()
        week.visitor().signs_up("mistaken")
        erased = eve("DELETE", "/api/me", json={"password": PASSWORD}, expect=202).json()["id"]
        eventually(
            lambda: (
                week.visitor()("GET", f"/api/erasures/{erased}", expect=200).json()["certificate"]
                is not None
            ),
            "eve's certificate",
        )
        week.operator.at_head()
        week.operator.sql("SELECT pg_switch_wal()")

    week.operator.variables["MOMENT"] = rfc3339(moment)
    week.operator.does("Restore to a moment")
    eventually(lambda: "relay" in readiness(week.web), "the relay's refusal")
    assert "log recover" in readiness(week.web)["relay"]
    # Readiness asks the database, `status` shows what the part said of itself up to a second ago.
    eventually(lambda: week.installation.part("relay")["state"] == "refusing", "its word for it")
    log = (week.installation.data / "logs" / "relay.log").read_text()
    assert "the relay publishes nothing: log-ahead" in log or "log-differs" in log

    week.operator.does("Restore to a moment", 1)
    assert week.operator.sql("SELECT epoch FROM log_identity") == [(2,)]
    week.healthy()
    assert week.operator.events() >= head_then
    ada.signs_in("ada")
    assert ada("GET", address, expect=200).json()["state"] == "analysed"
    assert ada("GET", f"{address}/audio", expect=200).content == week.track
    week.visitor().signs_in("mistaken", expect=401)
    week.visitor().signs_in("eve", expect=401)
    eventually(
        lambda: week.operator.sql("SELECT name FROM views.accounts ORDER BY 1") == [("ada",)],
        "eve's second erasure",
    )


def test_after_a_failover_that_lost_the_tail_it_recovers(week: Week, tmp_path: Path):
    postgres = week.installation.data / "postgres"
    cluster, replica = postgres / "cluster", postgres / "replica"
    week.installation("backup", str(tmp_path))
    shutil.copytree(next(tmp_path.glob("*/base")), replica)
    owner = cluster.stat()
    for path in (replica, *replica.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
    week.visitor().signs_up("unreplicated")
    week.operator.at_head()
    lost_head = week.operator.events()
    week.installation("down")
    shutil.rmtree(cluster)
    replica.rename(cluster)
    week.installation("up", "--detach", "--port", week.port)
    # Others go on writing over the positions that were lost.
    week.visitor().signs_up("bob")
    week.visitor().signs_up("cleo")
    assert week.operator.events() >= lost_head
    eventually(lambda: "relay" in readiness(week.web), "the relay's refusal")
    week.operator.does("Failover to a replica that lost the tail")
    week.healthy()
    names = week.operator.sql("SELECT name FROM views.accounts ORDER BY 1")
    assert names == [("ada",), ("bob",), ("cleo",)]


def test_two_workers_and_two_apis_share_the_work_and_one_of_each_is_killed(week: Week):
    second_port = choose_free_port()
    week.operator.variables["SECOND_PORT"] = str(second_port)
    week.operator.does("More workers and APIs")
    data = week.installation.data
    eventually(lambda: sorted(added_processes(data)) == ["api", "worker"], "both processes")
    added = added_processes(data)
    try:
        second = Visitor(f"http://127.0.0.1:{second_port}")
        eventually(lambda: answers(second), "the second API")
        second.signs_up("fay")
        first_worker = week.installation.part("worker")["pid"]
        os.kill(first_worker, signal.SIGKILL)
        second.signs_up("gil")
        week.operator.at_head()
        eventually(week.installation.all_running, "a new first worker")
        for process in added.values():
            process.kill()
        week.visitor().signs_up("hana")
        week.visitor().signs_in("gil")
        week.healthy()
    finally:
        for process in added.values():
            if process.is_running():
                process.kill()


def added_processes(data: Path) -> dict[str, psutil.Process]:
    """What somebody started by hand for this installation: part → process."""
    found = {}
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if words[-4:-1] == ["-m", "runtime", "run"]:
            with suppress(psutil.Error):
                if process.environ().get("NOCULTURE_DATA") == str(data):
                    found[words[-1]] = process
    return found


def answers(visitor: Visitor) -> bool:
    try:
        return bool(visitor.http.get("/readyz").status_code == 200)
    except httpx2.HTTPError:
        return False


def test_a_broker_that_is_lost_is_filled_again(week: Week):
    week.operator.does("The broker is lost")
    week.healthy()


def test_a_machine_that_is_lost_is_set_up_again_from_the_backups(week: Week):
    week.operator.does("Back up")
    safe = Path(week.operator.variables["SAFE"])
    shutil.copytree(week.installation.data / "erasures", safe / "erasures")
    head = week.operator.events()
    week.installation("down")
    shutil.rmtree(week.installation.data)
    week.operator.does("The machine is lost")
    week.healthy()
    assert week.operator.events() >= head
    ada = week.visitor()
    ada.signs_in("ada")
    kept = ada("GET", "/api/assets", expect=200).json()["data"][0]["id"]
    assert ada("GET", f"/api/assets/{kept}/audio", expect=200).content == week.track
