"""A child that was taken over reads, writes, starts, signals and reaches nothing."""

from __future__ import annotations

import json
import os
import pwd
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateways.audio.cage import landlock, walls
from gateways.audio.sandbox import PROBE_LIMITS, Sandbox
from tests.fixtures.audio_corpus import tone, write_encoded, write_wav
from tests.fixtures.odd_tags import write_odd_tag_corpus
from tests.fixtures.pictures import write_pictures
from tests.fixtures.tag_corpus import write_tag_corpus

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the walls are Linux'")
# ENOENT: where no path leads anywhere; EBADF: the file was opened to be read.
REFUSALS = {"EPERM", "EACCES", "ENOSYS", "ENOENT", "EBADF"}


@pytest.fixture
def song(tmp_path: Path) -> Path:
    return write_wav(tmp_path / "song.wav", tone(2))


@pytest.fixture
def open_to_all(tmp_path: Path) -> Path:
    folder = tmp_path / "open to all"
    (folder / "a folder").mkdir(parents=True)
    (folder / "a file").write_bytes(b"whole")
    for path in (folder, folder / "a folder", folder / "a file"):
        path.chmod(0o777)
    return folder


@pytest.fixture
def secrets(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "secrets" / "master.key", tmp_path / "blobs" / "wsp_other" / "0123"]
    for path in paths:
        path.parent.mkdir(parents=True)
        path.write_bytes(b"secret")
    paths[0].chmod(0o600)
    return paths


@pytest.fixture
def tried(
    song: Path, open_to_all: Path, secrets: list[Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Any]]:
    """What a child found when it tried everything; `isolation` is what it says it gave up."""
    monkeypatch.setenv("NOCULTURE_DATABASE_URL", "postgres://secret")
    monkeypatch.setattr("gateways.audio.sandbox.CHILD_MODULE", "tests.fixtures.break_out")
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.bind(f"\0noculture-stranger-{os.getpid()}")
        stranger.listen()
        sibling = Sandbox("probe", PROBE_LIMITS)
        child = Sandbox("break-out", PROBE_LIMITS)  # type: ignore[arg-type]
        try:
            given = {
                "folder": str(open_to_all),
                "secrets": [str(path) for path in secrets],
                "sibling_pid": sibling.pid,
                "abstract": f"noculture-stranger-{os.getpid()}",
            }
            yield {
                **child.run(song, given=given),
                "isolation": child.isolation.split(", "),
                "afterwards": child.run(song, given=given)["verdict"],
                "sibling": sibling.run(song)["verdict"],
            }
        finally:
            child.close()
            sibling.close()


def test_a_child_that_was_taken_over_opens_writes_starts_signals_and_reaches_nothing(
    tried: dict[str, Any], open_to_all: Path, secrets: list[Path]
) -> None:
    if walls.SECCOMP not in tried["isolation"]:
        pytest.skip(f"not all walls stand here: {tried['isolation']}")
    assert {name: how for name, how in tried["outcomes"].items() if how not in REFUSALS} == {}
    assert len(tried["outcomes"]) > 300
    assert sorted(path.name for path in open_to_all.iterdir()) == ["a file", "a folder"]
    assert (open_to_all / "a file").read_bytes() == b"whole"
    assert [path.read_bytes() for path in secrets] == [b"secret", b"secret"]


def test_the_job_works_on_after_all_that_was_refused(tried: dict[str, Any]) -> None:
    assert tried["thread"] is True
    assert (tried["verdict"], tried["afterwards"], tried["sibling"]) == ("accepted",) * 3


def test_a_child_holds_its_file_and_its_link_and_nothing_of_ours(tried: dict[str, Any]) -> None:
    assert set(tried["descriptors"]) == {0, 1, 2, *tried["given"]}
    allowed = {"PATH", "LANG", "LC_CTYPE", "PYTHONUTF8", "PYTHONPATH", "ORT_DISABLE_TELEMETRY"}
    assert {
        name
        for name in tried["environment"]
        if name not in allowed and not name.endswith("_NUM_THREADS") and "MALLOC" not in name
    } == set()


def test_a_child_of_the_superuser_is_a_user_without_files_or_other_processes(
    tried: dict[str, Any],
) -> None:
    if walls.OWN_USER not in tried["isolation"]:
        pytest.skip("not the superuser here")
    assert tried["user"] not in {0, os.getuid()}
    with pytest.raises(KeyError):  # neither `nobody` nor whom Postgres runs as
        pwd.getpwuid(tried["user"])


def test_every_kind_of_child_stands_behind_all_walls_that_this_system_has(
    tmp_path: Path,
) -> None:
    stand = {}
    for job in ("probe", "render", "rewrite", "picture"):
        child = Sandbox(job, PROBE_LIMITS)  # type: ignore[arg-type]
        stand[job] = child.isolation
        status = dict(
            line.split(":\t", 1)
            for line in Path(f"/proc/{child.pid}/status").read_text().splitlines()
            if ":\t" in line
        )
        child.close()
        assert (status["Seccomp"], status["CapEff"]) == ("2", "0" * 16)
        assert status["NoNewPrivs"] == "1"
    assert len(set(stand.values())) == 1
    if landlock.abi():
        assert walls.LANDLOCK in stand["probe"]


# Each wall stands without the others: what it is for is refused although all others are down.
_ALONE = """
import json, os, sys
from gateways.audio import lockdown
from gateways.audio.cage import identity, landlock, network, system_calls
from tests.fixtures import break_out
for module, name in (
    (network, "leave_network"), (identity, "see_no_folder"),
    (identity, "become_a_user_of_its_own"), (landlock, "refuse_everything"),
    (landlock, "refuse_all_but"), (system_calls, "refuse_all_but_few"),
):
    if name not in {standing!r}:
        setattr(module, name, lambda *_, **__: False)
parent = os.getppid()
steps = lockdown.before_imports(parent, 2)
steps += lockdown.before_files(parent, 2**32, 60)
found = break_out.outcomes(break_out.on_files({folder!r}, {secrets!r}, parent))
print(steps)
print(json.dumps([name for name, how in found.items() if how == "DONE"]))
"""
# Landlock leaves alone what it has no right for: names and times of what other walls hide.
_NOT_LANDLOCKS = {"chmod", "chown", "utime", "setxattr"}


@pytest.mark.parametrize(
    ("standing", "wall"),
    [
        (["refuse_everything", "refuse_all_but"], walls.LANDLOCK),
        (["refuse_all_but_few"], walls.SECCOMP),
        (["see_no_folder"], walls.EMPTY_ROOT),
    ],
)
def test_each_wall_alone_keeps_files_apart(
    standing: list[str], wall: str, open_to_all: Path, secrets: list[Path]
) -> None:
    code = _ALONE.format(
        standing=standing, folder=str(open_to_all), secrets=[str(path) for path in secrets]
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    steps, done = ran.stdout.splitlines()
    if wall not in steps:
        pytest.skip(f"{wall} is not there: {steps}")
    through = {
        name
        for name in json.loads(done)
        if not name.startswith(("reach", "enter")) and name not in _NOT_LANDLOCKS
    }
    allowed = {"list /", "list ."} if wall == walls.EMPTY_ROOT else set()
    assert through <= allowed
    assert (open_to_all / "a file").read_bytes() == b"whole"


_LOADED_LATER = """
import sys
from pathlib import Path
from gateways.audio import child
from gateways.audio.warm import load_what_files_may_want
sys.modules["matplotlib"] = None
hearing = dict(analyser="auto", models=True, models_dir=None, models_wanted=())
class Link:
    def sendall(self, _data): pass
jobs = {name: make(hearing, Link()) for name, make in child.JOBS.items()}
load_what_files_may_want()
before, touched, watching = set(sys.modules), [], False
def watch(event, arguments):
    if watching and event in ("open", "import", "os.listdir", "subprocess.Popen", "socket.connect"):
        touched.append((event, str(arguments[0])))
sys.addaudithook(watch)
for path in map(Path, sys.argv[1:]):
    for name, job in jobs.items():
        if name == "analyse" and path.stem != "sound":
            continue
        given = {"changes": {"title": "Ж"}} if name == "rewrite" else {}
        with path.open("rb") as file:
            watching = True
            try:
                job(file, **given)
            except Exception as error:  # a typed refusal, which the child sends as text
                str(error)
            watching = False
print(touched, sorted(set(sys.modules) - before))
"""


def test_a_warm_child_opens_and_imports_nothing_more_whatever_the_format(tmp_path: Path) -> None:
    formats = ("wav", "mp3", "flac", "m4a", "ogg", "opus", "aiff")
    files = [write_encoded(tmp_path / f"sound.{suffix}", tone(2)) for suffix in formats]
    files += write_pictures(tmp_path)
    for write, folder in ((write_tag_corpus, "tags"), (write_odd_tag_corpus, "odd tags")):
        (tmp_path / folder).mkdir()
        files += write(tmp_path / folder).values()
    ran = subprocess.run(
        [sys.executable, "-c", _LOADED_LATER, *map(str, files)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.stdout.split("\n")[-2:] == ["[] []", ""], ran.stdout + ran.stderr


_WHILE_IT_LOADS = """
import json, os, sys
from gateways.audio import child, lockdown
from tests.fixtures import break_out
lockdown.before_imports(os.getppid(), 2)
lockdown.only_code((*child.ROOMS, "tests"), {models!r})
import decimal, gateways.audio.errors, mutagen, numpy
print(open({models!r} + "/a model").read(), open({models!r} + "/a link").read())
found = break_out.outcomes(break_out.on_files({folder!r}, {secrets!r}, os.getppid()))
print(json.dumps([name for name, how in found.items() if how == "DONE"]))
"""


def test_while_it_loads_a_child_reads_code_and_models_and_no_secret(
    tmp_path: Path, open_to_all: Path, secrets: list[Path]
) -> None:
    if landlock.abi() == 0:
        pytest.skip("no Landlock here")
    models = tmp_path / "models"
    models.mkdir()
    (models / "a model").write_text("notes")
    (tmp_path / "elsewhere").write_text("more")
    (models / "a link").symlink_to(tmp_path / "elsewhere")
    code = _WHILE_IT_LOADS.format(
        models=str(models), folder=str(open_to_all), secrets=[str(path) for path in secrets]
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    read, done = ran.stdout.splitlines()
    assert read == "notes more"
    own = {f"read /proc/self/{part}" for part in ("maps", "environ", "mem")}
    through = {name for name in json.loads(done) if not name.startswith(("reach", "enter"))}
    assert through <= own | _NOT_LANDLOCKS | {"chroot"}
