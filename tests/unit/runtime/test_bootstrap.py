"""The `./noculture` script, on a small repository of its own whose locks ask for no package."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from runtime.installation import ROOT

BASIC_PATH = "/usr/bin:/bin"
_changes = itertools.count(1)


class Repository:
    """A clone in a folder with a space; its command line prints what it was given."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "requirements").mkdir(parents=True)
        (root / "runtime").mkdir()
        shutil.copy(ROOT / "noculture", root / "noculture")
        for lock in ("bootstrap", "base", "dev"):
            (root / "requirements" / f"{lock}.lock").write_text("# no package\n")
        (root / "runtime" / "__init__.py").write_text("")
        (root / "runtime" / "__main__.py").write_text("import sys; print(sys.argv[1:])")

    def __call__(
        self, *arguments: str, cwd: str = "/", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.root / "noculture"), *arguments],
            cwd=cwd,
            env={
                "PATH": BASIC_PATH,
                "HOME": str(self.root),
                "NOCULTURE_PYTHON": sys.executable,
                "PIP_NO_INDEX": "1",
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=120,
        )

    def change_base_lock(self) -> None:
        lock = self.root / "requirements" / "base.lock"
        lock.write_text(f"# no package, change {next(_changes)}\n")


@pytest.fixture(scope="module")
def first_call(tmp_path_factory: pytest.TempPathFactory) -> tuple[Repository, str, str]:
    """One repository for most tests, as making an environment takes seconds; its first output."""
    repository = Repository(tmp_path_factory.mktemp("bootstrap") / "a clone")
    first = repository("status", "--data", "my folder", "--json")
    return repository, first.stdout, first.stderr


@pytest.fixture
def installed(first_call: tuple[Repository, str, str]) -> Repository:
    return first_call[0]


@pytest.fixture
def untouched(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "a clone")


def test_the_first_call_installs_and_runs_the_command(
    first_call: tuple[Repository, str, str],
) -> None:
    _repository, stdout, stderr = first_call
    assert stdout == "['status', '--data', 'my folder', '--json']\n", stderr
    assert "making" in stderr


def test_when_uv_cannot_be_had_pip_installs(first_call: tuple[Repository, str, str]) -> None:
    assert "trying pip" in first_call[2]


def test_later_calls_install_nothing_and_say_nothing(installed: Repository) -> None:
    done = installed("status")
    assert (done.stdout, done.stderr) == ("['status']\n", "")


def test_a_folder_named_like_ours_in_the_working_directory_is_not_run(
    installed: Repository,
) -> None:
    assert installed("status", cwd=str(ROOT)).stdout == "['status']\n"


def test_it_may_be_called_through_a_link(installed: Repository, tmp_path: Path) -> None:
    link = tmp_path / "noculture"
    link.symlink_to(installed.root / "noculture")
    done = subprocess.run(
        [str(link), "status"], env={"PATH": BASIC_PATH}, capture_output=True, text=True
    )
    assert done.stdout == "['status']\n", done.stderr


def test_a_changed_lock_is_installed_again(installed: Repository) -> None:
    installed.change_base_lock()
    assert "installing" in installed("status").stderr
    assert installed("status").stderr == ""


def test_an_install_that_fails_is_said_and_done_again(installed: Repository) -> None:
    lock = installed.root / "requirements" / "base.lock"
    lock.write_text("no-such-package==1 --hash=sha256:" + "0" * 64 + "\n")
    failed = installed("up", "--json")
    assert failed.returncode == 4
    assert failed.stdout == ""
    assert installed("up").returncode == 4
    installed.change_base_lock()
    assert installed("up").returncode == 0


def test_two_calls_at_once_install_once(installed: Repository) -> None:
    installed.change_base_lock()
    with ThreadPoolExecutor(2) as pool:
        calls = list(pool.map(lambda _: installed("status"), range(2)))
    assert [call.stdout for call in calls] == ["['status']\n"] * 2
    assert sum("installing" in call.stderr for call in calls) == 1


def test_a_lock_left_by_a_killed_install_is_taken_over(installed: Repository) -> None:
    installed.change_base_lock()
    gone = subprocess.Popen(["true"])
    gone.wait()
    lock = installed.root / ".venv.lock"
    lock.mkdir()
    (lock / "pid").write_text(str(gone.pid))
    assert installed("status").stdout == "['status']\n"
    assert not lock.exists()


def test_only_test_installs_what_tests_need_and_that_serves_all(installed: Repository) -> None:
    stamp = installed.root / ".venv" / ".installed-dev.lock"
    installed("up", "test")
    assert not stamp.exists()
    installed("test", "unit")
    assert stamp.exists()
    installed.change_base_lock()
    assert installed("up").stderr == ""
    stamp.unlink()


def test_without_python_it_says_what_to_do(untouched: Repository, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "dirname", "readlink", "cmp", "mkdir", "rm", "cat", "sleep", "ls"):
        (tools / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    done = untouched("up", NOCULTURE_PYTHON="", PATH=str(tools))
    assert done.returncode == 4
    assert "NOCULTURE_PYTHON" in done.stderr
    assert not Path(f"{untouched.root}/.venv.lock").exists()


def test_a_named_python_that_is_none_is_refused(untouched: Repository) -> None:
    done = untouched("up", NOCULTURE_PYTHON="/bin/false")
    assert done.returncode == 4
    assert "/bin/false" in done.stderr


def test_a_folder_that_is_no_environment_is_left_alone(
    untouched: Repository, tmp_path: Path
) -> None:
    precious = tmp_path / "home"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years of work")
    done = untouched("up", NOCULTURE_VENV=str(precious))
    assert done.returncode == 4
    assert (precious / "thesis.txt").read_text() == "years of work"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_repository_that_cannot_be_written_names_the_way_out(untouched: Repository) -> None:
    untouched.root.chmod(0o555)
    done = untouched("up")
    untouched.root.chmod(0o755)
    assert done.returncode == 4
    assert "NOCULTURE_VENV" in done.stderr
