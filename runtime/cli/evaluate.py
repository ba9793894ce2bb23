"""`evaluate analysis`: how right the analysis is on music whose answers are known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from runtime.cli.bar import bar
from runtime.cli.output import Json, print_json, say
from runtime.evaluate.summary import Pairs, Summary

app = typer.Typer(help="How right the analysis is on music whose answers are known.")


@app.callback()
def _group() -> None:
    """So that `analysis` stays a word of the command."""


@app.command("analysis")
def analysis(
    folder: Annotated[Path, typer.Argument(help="The folder the paths are relative to.")],
    truth: Annotated[Path, typer.Option("--truth", help="CSV or JSON: path, tempo_bpm, key, …")],
    json: Json = False,
    plots: Annotated[Path | None, typer.Option("--plots", help="Write SVG plots here.")] = None,
    limit: Annotated[int, typer.Option(help="Only so many files; 0: all.")] = 0,
) -> None:
    """Analyse every file named in the table and print accuracy with n, interval, calibration."""
    from runtime.evaluate.run import analyse_all
    from runtime.evaluate.summary import summarise, track_as_json
    from runtime.evaluate.truth import Truth, read_truth

    known = read_truth(truth, folder)
    if known.ignored_columns:
        say(f"ignored columns: {', '.join(known.ignored_columns)}")
    known = Truth(known.answers[: limit or None], known.ignored_columns)
    with bar("analysing", len(known.answers)) as progress:
        pairs = analyse_all(known, progress)
    _name_failures(pairs)
    summary = summarise(pairs)
    if plots:
        from runtime.evaluate.plots import write_plots

        for path in write_plots(pairs, summary, plots):
            say(f"wrote {path}")
    if json:
        tracks = [track_as_json(answer, found, summary) for answer, found in pairs]
        print_json({**summary.as_json(), "tracks": tracks})
    else:
        _print(summary)


def _name_failures(pairs: Pairs) -> None:
    for answer, found in pairs:
        if found.failed:
            say(f"{answer.path.name}: {found.failed}")


def _print(summary: Summary) -> None:
    console = Console()
    table = Table("figure", "value", "95 %", "n")
    for row in summary.rows:
        between = "" if row.low is None else f"{row.low:.2f} … {row.high:.2f}"
        table.add_row(row.figure, f"{row.value:.3f}", between, str(row.n))
    console.print(table)
    for name, found in summary.calibrations.items():
        record = Table("said", "right", "n", title=f"{name}: off by {found.expected_error:.3f}")
        for one in found.bins:
            record.add_row(f"{one.mean_confidence:.2f}", f"{one.share_right:.2f}", str(one.n))
        console.print(record)
