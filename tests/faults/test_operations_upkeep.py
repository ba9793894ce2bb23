"""docs/operations.md: lost read model and master key, exchanged secrets, a bucket, an upgrade.

One installation without a broker, in this order.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx2
import pytest
from moto.server import ThreadedMotoServer

from runtime.demo_music import render
from runtime.installation import ROOT
from runtime.state import is_running
from tests.installation import Installation, eventually
from tests.operations import Operator, Visitor, readiness, sections

UP = ("up", "--detach", "--event-log", "postgres")
BUCKET = "their-music"


@dataclass
class Home:
    operator: Operator
    web: str
    ada: Visitor
    asset: str
    track: bytes

    @property
    def data(self) -> Path:
        return self.operator.installation.data

    @property
    def safe(self) -> Path:
        return Path(self.operator.variables["SAFE"])

    def address(self) -> str:
        return f"/api/assets/{self.asset}"

    def stop(self) -> None:
        """Nothing is left to do if the test before has stopped it."""
        if is_running(self.data / "run"):
            self.operator.installation("down")

    def database_files(self) -> dict[str, str]:
        """Path → hash."""
        folder = self.data / "postgres" / "cluster"
        return {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*")
            if path.is_file()
        }


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("operations")
    render(folder / "music", count=1, seed=3, duration_s=4.0)
    track = next((folder / "music").glob("*")).read_bytes()
    installation = Installation(folder / "data")
    safe = folder / "safe"
    safe.mkdir(mode=0o700)
    web = installation.json(*UP, "--port", "0")["web"]
    variables = {
        "SAFE": str(safe),
        "NOCULTURE_EVENT_LOG": "postgres",
        "NOCULTURE_PORT": web.rsplit(":", 1)[1],
    }
    operator, ada = Operator(installation, variables), Visitor(web)
    try:
        ada.signs_up("ada")
        asset = ada.uploads("one.flac", track)
        home = Home(operator, web, ada, asset, track)
        eventually(
            lambda: ada.http.get(home.address()).json().get("state") == "analysed", "the analysis"
        )
        operator.does("Back up", 1)
        yield home
    finally:
        command = [sys.executable, "-m", "runtime", "down", "--data", str(installation.data)]
        subprocess.run(command, cwd=ROOT, capture_output=True, timeout=180)


def test_every_figure_that_operators_watch_is_there(home: Home):
    shown = httpx2.get(f"{home.web}/metrics").text
    named = set(re.findall(r"`(noculture_\w+)`", sections()["What to watch"]))
    assert len(named) > 5
    assert {name for name in named if f"# TYPE {name}" not in shown} == set()
    assert home.operator.installation.json("doctor", "--quiet")["ok"] is True


def test_a_read_model_that_is_lost_is_made_again_from_the_log(home: Home):
    before = home.ada("GET", home.address(), expect=200).json()
    (schema,) = home.operator.sql(
        "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'view_vault_%'"
    )[0]
    home.operator.sql(f"DROP SCHEMA {schema} CASCADE")
    assert home.ada.http.get(home.address()).status_code >= 500
    home.operator.does("A read model is lost")
    assert home.ada("GET", home.address(), expect=200).json() == before
    changes = {"json": {"title": "Found"}, "headers": {"If-Match": f'"v{before["version"]}"'}}
    edited = home.ada("PATCH", home.address(), expect=200, **changes)
    seen = {"Min-Position": edited.headers["Event-Position"], "Prefer": "wait=20"}
    found = home.ada("GET", home.address(), headers=seen, expect=200).json()
    assert found["tags"]["title"] == "Found"


def test_a_restore_that_cannot_be_done_leaves_what_was_there(home: Home, tmp_path: Path):
    installation, backups = home.operator.installation, str(tmp_path / "backups")
    installation("backup", backups)
    assert "./noculture down" in installation("restore", backups, code=1).stderr
    home.stop()
    there = home.database_files()
    too_early = installation("restore", backups, "--to", "2001-01-01T00:00:00Z", code=1)
    assert "holds no whole backup" in too_early.stderr
    # Nothing was written after it that could be played so far.
    too_late = installation("restore", backups, "--to", "2099-01-01T00:00:00Z", code=1)
    assert "Postgres did not start" in too_late.stderr
    key = home.data / "secrets" / "master_key"
    key.rename(home.data / "elsewhere")
    assert "lacks master_key" in installation("restore", backups, code=1).stderr
    (home.data / "elsewhere").rename(key)
    base = next(Path(backups).glob("*/base/PG_VERSION"))
    base.write_text("17\n")
    assert "pg_verifybackup says" in installation("restore", backups, code=1).stderr
    assert home.database_files() == there


def test_without_the_master_key_it_does_not_start_and_says_which_one(home: Home):
    home.stop()
    (home.data / "secrets" / "master_key").unlink()
    refused = home.operator.installation(*UP, code=1)
    assert "put back the file `master_key`" in refused.stderr
    home.operator.does("The master key is lost")
    home.ada.signs_in("ada")


def test_the_keys_that_can_be_exchanged_are_exchanged(home: Home):
    old = (home.data / "secrets" / "master_key").read_text()
    home.operator.does("Exchange secrets")
    assert (home.safe / "secrets" / "master_key").read_text() != old
    other = home.ada.uploads("two.wav", b"no music")
    eventually(lambda: home.ada.http.get(f"/api/assets/{other}").is_success, "the second file")
    first = home.ada("GET", "/api/assets", params={"limit": 1}, expect=200).json()
    following = {"limit": 1, "cursor": first["next_cursor"]}
    home.ada("GET", "/api/assets", params=following, expect=200)
    home.operator.does("Exchange secrets", 1)
    assert home.ada.http.get("/api/assets", params=following).status_code in (400, 422)
    assert home.ada("GET", "/api/me", expect=200).json()["name"] == "ada"


def test_audio_moves_to_a_bucket(home: Home):
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    httpx2.put(f"http://{host}:{port}/{BUCKET}").raise_for_status()
    bucket = {
        "NOCULTURE_OBJECT_STORE_URL": f"s3://{BUCKET}/noculture",
        "NOCULTURE_OBJECT_STORE_ENDPOINT": f"http://{host}:{port}",
        "NOCULTURE_OBJECT_STORE_ACCESS_KEY": "test",
        "NOCULTURE_OBJECT_STORE_SECRET_KEY": "test",
    }
    lines = "".join(f"{name}={value}\n" for name, value in bucket.items())
    (home.safe / "bucket.env").write_text(lines)
    moving = replace(home.operator, variables=home.operator.variables | bucket)
    try:
        assert "files went to s3://" in moving.does("Move the audio to a bucket")
        shutil.rmtree(home.data / "blobs")
        assert home.ada("GET", f"{home.address()}/audio", expect=200).content == home.track
    finally:
        (home.data / "settings.env").unlink()
        server.stop()


NEW_VERSION = {
    "events/account/account.py": (
        (
            'class AccountRegistered(Event, type="account.registered", version=1,',
            'class AccountRegistered(Event, type="account.registered", version=2,',
        ),
        ("    name: Personal[str]\n", "    name: Personal[str]\n    country: str = 'ES'\n"),
    ),
    "events/account/earlier.py": (
        (
            "\n\nclass KeyIssuedV1(",
            '\n\nclass AccountRegisteredV1(Event, type="account.registered", version=1,'
            ' subject="account_id"):\n'
            '    """Without a country."""\n\n'
            "    account_id: AccountId\n"
            "    workspace_id: WorkspaceId\n"
            "    email: Personal[str]\n"
            "    name: Personal[str]\n\n\n"
            '@REGISTRY.upcast("account.registered", 1)\n'
            "def _(data: dict[str, Any]) -> dict[str, Any]:\n"
            '    return {**data, "country": "unknown"}\n'
            "\n\nclass KeyIssuedV1(",
        ),
        (
            "from events.model import REGISTRY, Event",
            "from events.model import REGISTRY, Event, Personal",
        ),
    ),
    "projections/account/accounts.py": (
        ('name="accounts", version=1', 'name="accounts", version=2'),
        ("operator=False,", "operator=False,\n                    country=data.country,"),
    ),
    "projections/account/accounts.sql": (
        ("    operator      boolean,", "    operator boolean, country text,"),
    ),
}


def new_program(folder: Path) -> Path:
    """The next release: an event with a new version, a view with a new table."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if name.startswith(("tests/", "docs/", "benchmarks/")) or not (ROOT / name).is_file():
            continue
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    for name, changes in NEW_VERSION.items():
        text = (folder / name).read_text()
        for old, new in changes:
            assert old in text, f"{name} has no {old!r}"
            text = text.replace(old, new, 1)
        (folder / name).write_text(text)
    return folder


def test_a_new_release_reads_old_events_and_builds_its_view_beside_the_old_one(
    home: Home, tmp_path: Path
):
    home.operator.variables |= {
        "NEW_PROGRAM": str(new_program(tmp_path / "new")),
        "NOCULTURE_VENV": str(ROOT / ".venv"),
    }
    home.operator.does("Upgrade")
    eventually(lambda: readiness(home.web) == {}, "readiness")
    Visitor(home.web).signs_up("eve")
    countries = "SELECT name, country FROM views.accounts ORDER BY name"
    eventually(
        lambda: home.operator.sql(countries) == [("ada", "unknown"), ("eve", "ES")],
        "the accounts' countries",
    )
    assert home.ada("GET", "/api/me", expect=200).json()["name"] == "ada"
    types = "SELECT version, count(*) FROM events WHERE type = 'account.registered' GROUP BY 1"
    assert sorted(home.operator.sql(types)) == [(1, 1), (2, 1)]
    kept = home.operator.sql(
        "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'view_accounts_%'"
    )
    assert [name for (name,) in kept] == ["view_accounts_2_2"] or len(kept) == 1
