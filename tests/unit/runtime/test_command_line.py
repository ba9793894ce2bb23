"""The command line's outside: `--data` anywhere, one JSON object, exit codes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.cli.commands import COMMANDS, GROUPS
from runtime.cli.main import take_data_option
from runtime.installation import ROOT


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "runtime", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        timeout=60,
    )


@pytest.mark.parametrize(
    "arguments",
    [["--data", "/d", "status"], ["status", "--data", "/d"], ["status", "--data=/d"]],
)
def test_the_installation_may_be_named_before_and_after_the_command(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOCULTURE_DATA", "")
    assert take_data_option(arguments) == ["status"]
    assert os.environ["NOCULTURE_DATA"] == "/d"


def test_what_follows_two_dashes_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOCULTURE_DATA", "/mine")
    assert take_data_option(["import", "--", "--data", "x"]) == ["import", "--", "--data", "x"]
    assert os.environ["NOCULTURE_DATA"] == "/mine"


@pytest.mark.parametrize("arguments", [["status"], ["down"], ["status", "--json"]])
def test_exit_code_3_when_nothing_runs(arguments: list[str], tmp_path: Path) -> None:
    done = command(*arguments, "--data", str(tmp_path))
    assert done.returncode == 3
    assert "./noculture up" in done.stderr


def test_with_json_an_error_is_the_one_object_on_stdout(tmp_path: Path) -> None:
    done = command("status", "--json", "--data", str(tmp_path))
    assert json.loads(done.stdout)["error"]["code"] == "nothing-running"


def test_a_wrong_option_is_a_usage_error() -> None:
    assert command("up", "--no-such-option").returncode == 2
    assert command("no-such-command").returncode == 2


def test_doctor_names_each_setting_with_its_source(tmp_path: Path) -> None:
    done = command("doctor", "--json", "--data", str(tmp_path), NOCULTURE_PORT="9")
    findings = {finding["name"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert findings["NOCULTURE_PORT"]["value"] == "9"
    assert findings["NOCULTURE_PORT"]["source"] == "environment"
    assert findings["NOCULTURE_HOST"]["source"] == "default"
    assert {"Python", "disk", "memory", "Java", "browser", "port"} <= findings.keys()


def test_doctor_says_what_to_do_about_a_wrong_setting(tmp_path: Path) -> None:
    done = command("doctor", "--json", "--data", str(tmp_path), NOCULTURE_EVENT_LOG="pigeon")
    assert done.returncode == 1
    finding = json.loads(done.stdout)["findings"][0]
    assert "event_log" in finding["value"]
    assert finding["advice"]


def test_doctor_shows_no_password(tmp_path: Path) -> None:
    url = "postgresql://me:tellnobody@db.example:5432/x"
    done = command("doctor", "--json", "--data", str(tmp_path), NOCULTURE_DATABASE_URL=url)
    assert "tellnobody" not in done.stdout
    assert "me@db.example:5432/x" in done.stdout


def test_help_names_every_group() -> None:
    """Five groups were listed by what they do only."""
    shown = command("--help", TERMINAL_WIDTH="200", COLUMNS="200").stdout
    for name in [*COMMANDS, *GROUPS]:
        assert re.search(rf"^\W*{name}\s", shown, re.MULTILINE) or name == "supervise", name


ODD = os.fsdecode(b"/nowhere/caf\xe9")
TERMINALS = ("ascii:strict", "utf-16")


@pytest.mark.parametrize("encoding", TERMINALS)
def test_no_terminal_ends_a_command_and_json_is_always_utf_8(encoding: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "runtime", "status", "--json", "--data", ODD],
        cwd=ROOT,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding},
        timeout=60,
    )
    assert done.returncode == 3
    error = json.loads(done.stdout.decode("utf-8"))["error"]
    assert error["code"] == "nothing-running"
    assert r"/nowhere/caf\xe9" in error["message"]
    assert "Traceback" not in done.stderr.decode(encoding.partition(":")[0])


def test_an_installation_in_a_folder_that_engines_cannot_name_is_refused(tmp_path: Path) -> None:
    """Its worker ended again and again, half a minute long."""
    done = command("up", "--detach", "--json", "--data", str(tmp_path / "caf\udce9"))
    assert (done.returncode, json.loads(done.stdout)["error"]["code"]) == (2, "folder-not-text")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["import", ODD, "--as", "ada@example.com"], "Nothing is running"),
        (["import", ".", "--as", "x\udce9@example.com"], r"x\xe9@example.com is no e-mail"),
        (["operator", "grant", "\udce9@example.com"], r"\xe9@example.com is no e-mail address"),
        (["analyse", "--as", "nonsense"], "nonsense is no e-mail address"),
    ],
)
def test_arguments_that_are_no_text_or_no_address_are_refused_by_name(
    arguments: list[str], told: str, tmp_path: Path
) -> None:
    done = command(*arguments, "--data", str(tmp_path), PYTHONIOENCODING="ascii")
    assert done.returncode in (2, 3)
    assert told in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
