"""`torture`: kill anything, lose nothing; on an installation of its own."""

from __future__ import annotations

import signal
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from runtime.cli.output import Json, print_json, say

if TYPE_CHECKING:
    from runtime.torture.run import Report

app = typer.Typer(pretty_exceptions_enable=False)


@app.command("torture")
def torture(
    rounds: Annotated[int, typer.Option(min=1, help="Each about five seconds.")] = 20,
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

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    with bar("rounds", rounds) as moved:
        report = run_torture(
            rounds,
            seed,
            event_log,
            keep=keep,
            say=say,
            moved=moved,
        )
    if json:
        print_json(report.as_json())
    else:
        _tell(report)
    if not report.ok:
        raise typer.Exit(1)


def _tell(report: Report) -> None:
    struck = ", ".join(f"{name} {times}" for name, times in sorted(report.kills.items()))
    counts = report.counts
    print(f"{report.rounds} rounds, seed {report.seed}, {report.seconds:.0f} s; struck: {struck}")
    print(
        f"{counts['acked']} commands acknowledged, {counts['retried']} of all sent more than once,"
        f" {counts['replayed']} answered as before, {counts['refused']} refused,"
        f" {counts['unknown']} without an answer; {report.events} events"
    )
    print(f"lost {report.lost}, duplicated {report.duplicated}")
    for problem in report.problems:
        print(f"  {problem}")
    if report.data:
        print(
            f"Kept: {report.data}. Its logs are in logs/, what clients were told in"
            f" ../journal.jsonl; `./noculture up --data {report.data}` starts it again."
        )
    print("Nothing was lost or doubled." if report.ok else "Something is wrong.")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
