"""What goes where: results to stdout, everything else to stderr."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")]


def print_json(value: Any) -> None:
    """The one JSON object of a command."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """A line for the person at the terminal; never part of a result."""
    print(text, file=sys.stderr, flush=True)
