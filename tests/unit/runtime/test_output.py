"""What is printed can be printed: on every terminal, for every name that a file may have."""

from __future__ import annotations

import io
import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.cli import main as entry
from runtime.cli.imported import Outcome, as_json, tell, tell_account
from runtime.cli.main import NotText
from runtime.cli.output import (
    as_text,
    in_a_line,
    is_text,
    print_anything,
    print_exactly,
    print_json,
)
from runtime.cli.status import measuring_told
from runtime.importer import Imported, StorageFailed
from runtime.walk import Refusal

# Any name that a POSIX folder may hold, as Python reads it.
NAMES = st.binary(min_size=1, max_size=30).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
WEB = "http://127.0.0.1:8420"


def terminal(monkeypatch: pytest.MonkeyPatch, encoding: str) -> io.BytesIO:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding, "strict"))
    return written


def outcome(**more: object) -> Outcome:
    known = {"imported": Imported(), "link": None, "founded": False, "analysed": False}
    return Outcome(**known | {"waiting": 0, "left_s": None, "web": WEB} | more)


@given(NAMES)
def test_every_name_is_shown_as_text_and_text_stays_as_it_is(name: str) -> None:
    shown = as_text(name)
    assert is_text(shown)
    assert (shown == name) is is_text(name)
    shown.encode("utf-8")


@given(st.text())
def test_no_name_breaks_its_line_or_moves_the_cursor(name: str) -> None:
    shown = in_a_line(f"{name}\x1b[2J\n\r\x9b")
    assert len(shown.splitlines()) <= 1
    assert not {"\x1b", "\x9b"} & set(shown)
    assert in_a_line("カラオケ　e\u0301 🎵") == "カラオケ　e\u0301 🎵"


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1", "cp437", "utf-16"])
def test_json_is_utf_8_on_every_terminal(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written = terminal(monkeypatch, encoding)
    print_anything(json=True)
    print_json({"caf\udce9": ["é", "\udcff", ("\ud800", 1, None)]})
    assert json.loads(written.getvalue().decode("utf-8")) == {
        r"caf\xe9": ["é", r"\xff", [r"\ud800", 1, None]]
    }


def test_a_terminal_without_a_character_shows_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    written = terminal(monkeypatch, "ascii")
    print_anything(json=False)
    print("caf\udce9 é ✓ 🎵", flush=True)
    assert written.getvalue() == rb"caf\xe9 \xe9 \u2713 \U0001f3b5" + b"\n"


def test_a_signed_note_is_the_same_on_every_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    written = terminal(monkeypatch, "ascii")
    print_anything(json=False)
    print_exactly("— noculture\n")
    assert written.getvalue() == "— noculture\n".encode()


def test_the_link_comes_before_names_that_cannot_be_printed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A file name that is not UTF-8 ended the command, and the only sign-in link was lost."""
    written = terminal(monkeypatch, "utf-8")
    print_anything(json=False)
    tell_account("ada@example.com", f"{WEB}/sign-in/once", founded=True, json=False)
    refused = [Refusal("/m/notes\udce9.txt", "not-audio", "Its name says so.")]
    tell(outcome(imported=Imported(rejected=refused, already_there=["/m/caf\udce9.wav"])))
    sys.stdout.flush()
    lines = written.getvalue().decode("utf-8").splitlines()
    assert lines[0].endswith(f"{WEB}/sign-in/once")
    assert "ada@example.com is the first account here, so it is the operator" in lines[1]
    assert lines[2] == "0 imported, 1 already there, 1 not taken."
    assert r"  /m/notes\xe9.txt: Its name says so. (not-audio)" in lines
    assert r"  /m/caf\xe9.wav" in lines


def test_a_full_disk_is_told_after_what_came_in(capsys: pytest.CaptureFixture[str]) -> None:
    stopped = StorageFailed(OSError(28, "No space left on device"))
    told = outcome(imported=Imported(imported=3, stopped=stopped))
    tell(told)
    out, err = capsys.readouterr()
    assert out.startswith("3 imported")
    assert "No space left on device" in err
    assert told.exit_code == 1
    assert as_json(told)["stopped"]["code"] == "storage-failed"


def test_an_import_says_that_measuring_goes_on_how_long_and_where(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tell(outcome(imported=Imported(imported=12), waiting=12, left_s=170.0))
    tell(outcome(imported=Imported(imported=1), waiting=1))
    out = capsys.readouterr().out
    assert f"Analysing goes on: 12 tracks wait, about 3 min left. See {WEB}/vault" in out
    assert "Analysing goes on: 1 track waits, no estimate yet of how long." in out
    measuring = as_json(outcome(waiting=12, left_s=170.4))["measuring"]
    assert measuring == {"waiting": 12, "left_s": 170}


def test_a_wait_that_ran_out_names_what_is_left_and_is_no_success(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`demo` said "0 imported" and "0.0 BPM no key" when its time ran out."""
    undecided = outcome(imported=Imported(undecided=["/m/a.wav"]), analysed=True, waiting=1)
    tell(undecided)
    out, err = capsys.readouterr()
    assert "Analysing goes on: 1 track waits" in out
    assert out.startswith("1 stored but not analysed yet, 0 already there, 0 not taken.")
    assert "Not analysed yet:\n  /m/a.wav" in out
    assert "./noculture status" in err
    assert undecided.exit_code == 1


def test_of_a_whole_vault_that_is_there_already_not_every_name_is_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    there = outcome(imported=Imported(already_there=[f"/m/{n}.wav" for n in range(100)]))
    tell(there)
    out = capsys.readouterr().out
    assert out.count(".wav") == 20
    assert "and 80 more" in out
    assert len(as_json(there)["already_there"]) == as_json(there)["duplicates"] == 100


@pytest.mark.parametrize(
    ("measuring", "told"),
    [
        (None, "The database does not answer."),
        ({"waiting": 0, "left_s": None}, "No track waits to be analysed."),
        ({"waiting": 7, "left_s": None}, "7 wait to be analysed, no estimate yet of how long"),
        ({"waiting": 7, "left_s": 95}, "7 wait to be analysed, about 2 min left"),
    ],
)
def test_status_tells_how_long_the_queue_is(measuring: dict | None, told: str) -> None:
    assert measuring_told(measuring) == told


def test_text_that_the_database_cannot_take_is_a_wrong_argument(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["noculture", "log", "read", "--type", "caf\udce9", "--json"])
    monkeypatch.setattr(entry, "run_command", lambda arguments: arguments[3].encode())
    with pytest.raises(SystemExit) as ended:
        entry.main()
    assert ended.value.code == NotText.exit_code == 2
    answer = json.loads(capsys.readouterr().out)["error"]
    assert (answer["code"], r"caf\xe9" in answer["message"]) == ("not-text", True)


def test_an_error_of_our_own_is_not_blamed_on_an_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["noculture", "log", "read"])
    monkeypatch.setattr(entry, "run_command", lambda arguments: "\ud800".encode())
    with pytest.raises(UnicodeEncodeError):
        entry.main()
