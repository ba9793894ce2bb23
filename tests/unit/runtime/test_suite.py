"""What `./noculture test` does beside calling pytest."""

from __future__ import annotations

import os
import subprocess
import tomllib
from pathlib import Path

import pytest

import runtime.areas
from runtime.installation import ROOT
from runtime.suite import run
from runtime.suite.area import NoSuchArea, area_tests
from runtime.suite.changed import changed_files, touched_tests
from runtime.suite.linters import CODE

FAILS_ONCE = """
from pathlib import Path

def test_of_chance():
    seen = Path(__file__).with_suffix(".seen")
    was_there, _ = seen.exists(), seen.touch()
    assert was_there
"""


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(run, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(run, "FLAKY", tmp_path / "results" / "flaky.txt")
    monkeypatch.setattr(run, "SIDE_BY_SIDE", ("-q",))
    return tmp_path / "results" / "flaky.txt"


def _suite(folder: Path, **files: str) -> int:
    for name, code in files.items():
        (folder / f"{name}.py").write_text(code)
    root = str(Path(__file__).parents[3])
    return run.run_suite([str(folder)], {**os.environ, "PYTHONPATH": root})


def test_what_passes_alone_is_named_flaky_and_the_suite_passes(
    tmp_path: Path, results: Path, capfd: pytest.CaptureFixture[str]
):
    assert _suite(tmp_path, test_one=FAILS_ONCE, test_two="def test_two(): assert True") == 0
    assert results.read_text() == "test_one.py::test_of_chance\n"
    *_, flaky, _, last = capfd.readouterr().out.splitlines()
    assert flaky.startswith("flaky: test_one.py::test_of_chance ")
    assert last == "2 passed, 0 failed, 0 skipped"


def test_what_fails_twice_fails_the_suite(
    tmp_path: Path, results: Path, capfd: pytest.CaptureFixture[str]
):
    wrong = "def test_wrong(): assert 1 == 2"
    assert _suite(tmp_path, test_one=FAILS_ONCE, test_two=wrong) == 1
    assert results.read_text() == "test_one.py::test_of_chance\n"
    assert capfd.readouterr().out.splitlines()[-1] == "1 passed, 1 failed, 0 skipped"


def test_a_fixture_that_fails_to_end_counts_as_failed(
    tmp_path: Path, results: Path, capfd: pytest.CaptureFixture[str]
):
    code = (
        "import pytest\n@pytest.fixture\ndef thing():\n    yield\n    assert False\n"
        "def test_it(thing): pass"
    )
    assert _suite(tmp_path, test_one=code) == 1
    assert not results.exists()
    assert capfd.readouterr().out.splitlines()[-1] == "0 passed, 1 failed, 0 skipped"


def test_a_file_that_cannot_be_imported_fails_the_suite(tmp_path: Path, results: Path):
    assert _suite(tmp_path, test_one="import nothing_of_this_name") != 0


def test_many_failures_are_no_chance_and_are_not_run_again(
    tmp_path: Path, results: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(run, "MOST_AGAIN", 1)
    assert _suite(tmp_path, test_one=FAILS_ONCE, test_two=FAILS_ONCE) == 1
    assert not results.exists()


def test_an_old_list_of_flaky_tests_is_not_kept(tmp_path: Path, results: Path):
    results.parent.mkdir()
    results.write_text("of yesterday\n")
    assert _suite(tmp_path, test_one="def test_one(): pass") == 0
    assert not results.exists()


TREE = {
    "events/loan.py": "",
    "aggregates/loan.py": "from events.loan import LoanOpened",
    "commands/loans.py": "from aggregates import loan",
    "projections/__init__.py": "",
    "projections/loans.py": "from events.loan import LoanOpened",
    "projections/loans.sql": "",
    "web/__init__.py": "",
    "web/pages.py": "",
    "web/templates/loan.html": "",
    "kit/clock.py": "",
    "tests/unit/test_loan.py": "from aggregates.loan import open_loan",
    "tests/unit/test_clock.py": "def test_it():\n    import kit.clock",
    "tests/unit/views/conftest.py": "import projections.loans",
    "tests/unit/views/test_loans.py": "",
    "tests/integration/test_loans.py": "import commands.loans",
    "tests/integration/test_pages.py": "from web import pages",
    "tests/e2e/conftest.py": "",
    "tests/e2e/test_walk.py": "",
    "tests/faults/test_kills.py": "",
}
PAGES = ["tests/e2e/test_walk.py", "tests/integration/test_pages.py"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, code in TREE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(code)
    return tmp_path


@pytest.mark.parametrize(
    ("changed", "touched"),
    [
        ("aggregates/loan.py", ["tests/integration/test_loans.py", "tests/unit/test_loan.py"]),
        ("kit/clock.py", ["tests/unit/test_clock.py"]),
        ("projections/loans.sql", ["tests/unit/views/test_loans.py"]),
        ("web/templates/loan.html", PAGES),
        ("tests/faults/test_kills.py", ["tests/faults/test_kills.py"]),
        ("tests/e2e/conftest.py", ["tests/e2e/test_walk.py"]),
        ("docs/development.md", []),
        ("gone/since.py", []),
    ],
)
def test_a_change_touches_the_tests_that_import_it(tree: Path, changed: str, touched: list[str]):
    assert touched_tests(tree, [changed]) == touched


def test_changed_are_edited_and_new_files_and_not_ignored_ones(tree: Path):
    def git(*words: str) -> None:
        subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *words],
            cwd=tree,
            check=True,
            capture_output=True,
        )

    (tree / ".gitignore").write_text("*.log\n")
    git("init", "-q")
    git("add", "-A")
    git("commit", "-q", "-m", "all")
    (tree / "kit/clock.py").write_text("NOW = 1")
    (tree / "kit/calendar.py").write_text("")
    (tree / "a.log").write_text("")
    assert changed_files(tree) == ["kit/calendar.py", "kit/clock.py"]


AREAS = {
    "events/store/log.py": "",
    "events/store/__init__.py": "",
    "events/lending/__init__.py": "",
    "events/lending/loan.py": "",
    "events/desk/__init__.py": "",
    "events/desk/queue.py": "",
    "projections/desk/queues.py": "from events.lending.loan import LoanOpened",
    "commands/lending/loans.py": "",
    "tests/unit/lending/test_loan.py": "",
    "tests/unit/desk/test_queue.py": "",
    "tests/unit/desk/made.py": "",
    "tests/unit/kit/test_clock.py": "",
}


@pytest.mark.parametrize(
    ("area", "tests"),
    [
        ("lending", ["tests/unit/desk/test_queue.py", "tests/unit/lending/test_loan.py"]),
        ("desk", ["tests/unit/desk/test_queue.py"]),
    ],
)
def test_an_area_is_tested_with_what_stands_on_it(tmp_path: Path, area: str, tests: list[str]):
    for name, code in AREAS.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(code)
    assert area_tests(tmp_path, area) == tests


def test_an_area_that_is_not_there_is_refused_with_those_that_are():
    there = ", ".join(sorted(area.name for area in runtime.areas.AREAS))
    with pytest.raises(NoSuchArea, match=f"no area nowhere: there are {there}"):
        area_tests(ROOT, "nowhere")


def test_the_types_of_every_room_are_checked():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["mypy"]
    assert settings["strict"]
    assert {*settings["files"]} == {*CODE} - {"tests", "benchmarks"}
