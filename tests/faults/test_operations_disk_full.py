"""docs/operations.md, disk full: what stops, what people see, and that nothing is lost.

Small file systems of their own under one installation; mounting them takes root.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import psycopg
import pytest

from runtime.demo_music import render
from runtime.installation import ROOT
from tests.installation import Installation, eventually
from tests.operations import Operator, Visitor, readiness

SIZES_MIB = {"postgres": 160, "kafka": 96, "blobs": 8}
WRITTEN_AT_ONCE = b"\0" * 65_536
MOST_TRIES = 400

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount small file systems")


@dataclass
class Home:
    operator: Operator
    web: str
    track: bytes
    names: list[str] = field(default_factory=list)

    def sign_up(self) -> int:
        """The answer's status; who was acknowledged is remembered."""
        name = f"person-{len(self.names)}-{os.urandom(4).hex()}"
        person = {"email": f"{name}@example.org", "password": "a long password", "name": name}
        status = Visitor(self.web).http.post("/api/accounts", json=person).status_code
        if status == 201:
            self.names.append(name)
        return status

    def nothing_is_lost(self) -> None:
        self.operator.at_head()
        self.operator.does("The disk is full")
        known = {name for (name,) in self.operator.sql("SELECT name FROM views.accounts")}
        assert set(self.names) <= known


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("disk")
    render(folder / "music", count=1, seed=3, duration_s=4.0)
    track = next((folder / "music").glob("*")).read_bytes()
    installation = Installation(folder / "data")
    mounted: list[Path] = []
    try:
        for name, size_mib in SIZES_MIB.items():
            place = installation.data / name
            place.mkdir(parents=True)
            mount = ["mount", "-t", "tmpfs", "-o", f"size={size_mib}m,mode=755", "tmpfs", place]
            if subprocess.run(mount, capture_output=True).returncode != 0:
                pytest.skip("this machine lets nobody mount a file system")
            mounted.append(place)
        web = installation.json("up", "--detach", "--port", "0")["web"]
        yield Home(Operator(installation), web, track)
    finally:
        command = [sys.executable, "-m", "runtime", "down", "--data", str(installation.data)]
        subprocess.run(command, cwd=ROOT, capture_output=True, timeout=180)
        for place in mounted:
            subprocess.run(["umount", "--lazy", place], check=True)


@contextmanager
def filled(folder: Path) -> Iterator[None]:
    """Not a byte is free on its file system until the end."""
    filler = folder / "filler"
    try:
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(WRITTEN_AT_ONCE)
            except OSError:
                pass
        yield
    finally:
        filler.unlink()


def write_until_it_ends(operator: Operator) -> None:
    for _ in range(MOST_TRIES):
        operator.sql("SELECT pg_logical_emit_message(true, '', repeat('x', 1000000))")


def test_without_room_for_audio_uploads_are_refused_and_everything_else_goes_on(home: Home):
    ada = Visitor(home.web)
    ada.signs_up("ada")
    files = {"file": ("one.flac", home.track)}
    with filled(home.operator.installation.data / "blobs"):
        refused = ada.http.post("/api/assets", files=files)
        assert refused.status_code == 507, refused.text
        assert refused.json()["code"] == "storage-full"
        assert home.sign_up() == 201
        assert ada("GET", "/api/assets", expect=200).json()["data"] == []
    ada("POST", "/api/assets", files=files, expect=202)
    home.nothing_is_lost()


def test_without_room_for_the_broker_commands_go_on_and_pages_catch_up_afterwards(home: Home):
    kafka = home.operator.installation.part("kafka")["pid"]
    with filled(home.operator.installation.data / "kafka"):
        for _ in range(3):
            assert home.sign_up() == 201
        eventually(
            lambda: home.operator.installation.part("kafka")["pid"] != kafka,
            "the broker's end",
        )
        assert home.sign_up() == 201
    home.nothing_is_lost()


def test_without_room_for_the_database_commands_are_503_and_none_is_lost(home: Home):
    before = len(home.names)
    with filled(home.operator.installation.data / "postgres"):
        statuses = {home.sign_up() for _ in range(3)}
        # The write-ahead log takes the last bytes, and the server with them.
        with pytest.raises(psycopg.OperationalError):
            write_until_it_ends(home.operator)
        statuses.add(home.sign_up())
        assert 503 in statuses
        assert statuses <= {201, 503}
        eventually(lambda: "database" in readiness(home.web), "an API that says so")
        assert httpx2.get(f"{home.web}/healthz").status_code == 200
    eventually(lambda: home.sign_up() == 201, "a sign-up once there is room")
    assert len(home.names) > before
    eventually(home.operator.installation.all_running, "everything running again")
    home.nothing_is_lost()
