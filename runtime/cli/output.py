"""Prints results to stdout and everything else to stderr, whatever characters they hold.

File names need not be UTF-8, and not every terminal has every character: what cannot be printed is
shown by its bytes or number (`caf\\xe9.wav`), and nothing ends because of it.
"""

from __future__ import annotations

import codecs
import io
import json
import sys
import unicodedata
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")]
ESCAPED = "noculture-escaped"
CONTROLS = ("Cc", "Zl", "Zp")


def print_anything(*, json: bool) -> None:
    """Make both streams show what they cannot print escaped; JSON is UTF-8 whatever the terminal
    speaks.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=ESCAPED)
    if json:
        print_exactly("")


def print_json(value: Any) -> None:
    """The one JSON object of a command, or a line of JSON Lines."""
    print(json.dumps(_as_text(value)), flush=True)


def print_exactly(text: str) -> None:
    """Prints what is kept and checked byte for byte: as UTF-8, on any terminal."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors=ESCAPED)
    print(text, end="", flush=True)


def say(text: str) -> None:
    """A line for the person at the terminal; never part of a result."""
    print(text, file=sys.stderr, flush=True)


def as_text(name: str) -> str:
    """A file's name as text that every program takes: bytes that are no text are escaped."""
    return name.encode("utf-8", ESCAPED).decode("utf-8")


def in_a_line(name: str) -> str:
    """A file's name in a line: what would break it or move the cursor is escaped."""
    return "".join(
        _escaped(character) if unicodedata.category(character) in CONTROLS else character
        for character in as_text(name)
    )


def is_text(name: str) -> bool:
    return as_text(name) == name


def _as_text(value: Any) -> Any:
    if isinstance(value, str):
        return as_text(value)
    if isinstance(value, dict):
        return {_as_text(key): _as_text(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_as_text(each) for each in value]
    return value


def _escape(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    unprintable = error.object[error.start : error.end]
    return "".join(map(_escaped, unprintable)), error.end


def _escaped(character: str) -> str:
    """Python reads a byte that is no text as one of U+DC80 to U+DCFF."""
    number = ord(character)
    if 0xDC80 <= number <= 0xDCFF:
        return f"\\x{number - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")


codecs.register_error(ESCAPED, _escape)
