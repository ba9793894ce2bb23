"""`torture`: kill anything, lose nothing; on an installation of its own."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import Annotated, Literal

import typer

from runtime.cli.output import Json, print_json, say

app = typer.Typer(pretty_exceptions_enable=False)


@app.command("torture")
def torture(
    rounds: Annotated[int, typer.Option(min=1, help="Each about six seconds.")] = 20,
    seed: Annotated[int, typer.Option(help="Who dies when, and what clients do.")] = 1,
    event_log: Annotated[
        Literal["kafka", "postgres"], typer.Option(help="postgres: without a broker.")
    ] = "kafka",
    keep: Annotated[bool, typer.Option("--keep", help="Keep the data folder in any case.")] = False,
    json: Json = False,
) -> None:
    """Kill parts at random under load, on a data folder of its own, then check every promise."""
    from runtime.cli.bar import bar
    from runtime.torture.run import torture as run_torture

    signal.signal(signal.SIGTERM, _interrupt)
    with bar("rounds", rounds) as moved:
        report = run_torture(
            rounds,
            seed,
            event_log,
            keep=keep,
            say=(lambda _line: None) if sys.stderr.isatty() else say,
            moved=moved,
        )
    if json:
        print_json(report.as_json())
    else:
        _tell(report)
    if not report.ok:
        raise typer.Exit(1)


def _tell(report: object) -> None:
    print(report)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
