"""Finds the command, runs it, and ends with the exit code of the contract."""

from __future__ import annotations

import os
import sys
from typing import Any, NoReturn

from events.errors import NoCultureError
from runtime.cli.output import as_text, is_text, print_anything, print_json, say


class NotText(NoCultureError):
    status, code = 422, "not-text"
    exit_code = 2

    def __init__(self, argument: str) -> None:
        super().__init__(f"{as_text(argument)} is no text in UTF-8: type it again")


def main() -> None:
    """Run one command and exit."""
    arguments = take_data_option(sys.argv[1:])
    print_anything(json="--json" in arguments)
    try:
        run_command(arguments)
    except NoCultureError as error:
        fail(error, arguments)
    except UnicodeEncodeError:
        # Only names of files may be other bytes; everything else is kept or asked for as text.
        wrong = next((each for each in arguments if not is_text(each)), None)
        if wrong is None:
            raise
        fail(NotText(wrong), arguments)


def fail(error: NoCultureError, arguments: list[str]) -> NoReturn:
    if "--json" in arguments:
        print_json({"error": {"code": error.code, "message": str(error)}})
    say(f"noculture: {error}")
    sys.exit(getattr(error, "exit_code", 1))


def run_command(arguments: list[str]) -> None:
    """Programs ask for `status` often: it does not wait for typer (0.3 of 0.5 s)."""
    if arguments == ["status", "--json"]:
        from runtime.installation import chosen_data
        from runtime.status import describe

        print_json(describe(chosen_data()))
        return
    from runtime.cli.commands import app

    app(arguments, prog_name="./noculture")


def take_data_option(arguments: list[str]) -> list[str]:
    """Move `--data DIR` from wherever it stands (before `--`) into the environment."""
    rest: list[str] = []
    waiting: list[Any] = list(arguments)
    while waiting:
        argument = waiting.pop(0)
        if argument == "--":
            return [*rest, argument, *waiting]
        if argument == "--data" and waiting:
            _use_data(waiting.pop(0))
        elif argument.startswith("--data="):
            _use_data(argument.removeprefix("--data="))
        else:
            rest.append(argument)
    return rest


def _use_data(folder: str) -> None:
    os.environ["NOCULTURE_DATA"] = os.path.abspath(os.path.expanduser(folder))
