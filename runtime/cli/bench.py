"""`bench`: the figures of docs/benchmarks.md, measured now, on this machine."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.result import Result
from runtime.cli.output import Json, print_json, say

app = typer.Typer()


@app.command("bench")
def bench(
    names: Annotated[
        list[str] | None, typer.Argument(help="P1 … P17; all if none is named.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything that is random.")] = 20,
    quick: Annotated[
        bool, typer.Option("--quick", help="Smallest sizes: shows that it runs, measures nothing.")
    ] = False,
    json: Json = False,
) -> None:
    """Measure the spine against named peers, on engines of its own; nothing running is touched."""
    from benchmarks.catalogue import MODULES, run
    from benchmarks.rig import hardware, open_rig

    wanted = [name.upper() for name in names or MODULES]
    if unknown := [name for name in wanted if name not in MODULES]:
        raise typer.BadParameter(f"{', '.join(unknown)}: choose from {', '.join(MODULES)}")
    results = []
    with open_rig(seed=seed, quick=quick, say=say) as rig:
        machine = hardware(rig)
        say(f"{machine['cores']} cores, {machine['memory_gib']} GiB, {machine['cpu']}")
        for result in run(rig, wanted):
            results.append(result)
            say(f"  {result.title}: {_verdict(result)}")
    if json:
        print_json({"hardware": machine, "quick": quick, "results": [r.as_json() for r in results]})
    else:
        _print_table(results)


def _verdict(result: Result) -> str:
    sign = "≤" if result.at_most else "≥"
    met = "met" if result.met else "missed"
    return f"{result.ratio:.3g} of {result.peer}, goal {sign} {result.goal:g}: {met}"


def _print_table(results: list[Result]) -> None:
    table = Table("", "what", "ours", "peer", "theirs", "ratio", "goal", "")
    for r in results:
        table.add_row(
            r.name,
            r.title,
            f"{r.ours:,.4g} {r.unit}",
            r.peer,
            f"{r.theirs:,.4g}",
            f"{r.ratio:.3g}",
            f"{'≤' if r.at_most else '≥'} {r.goal:g}",
            "met" if r.met else "missed",
        )
    Console().print(table)
