"""`bench`: the figures of docs/benchmarks.md, measured now, on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from runtime.cli.output import Json, print_json, say

app = typer.Typer()


@app.command("bench")
def bench(
    names: Annotated[
        list[str] | None, typer.Argument(help="P1 … P8; all if none is named.")
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
    with open_rig(seed=seed, quick=quick, say=say) as rig:
        machine = hardware(rig)
        say(f"{machine['cores']} cores, {machine['memory_gib']} GiB, {machine['cpu']}")
        results = []
        for result in run(rig, wanted):
            results.append(result)
            sign = "≤" if result.at_most else "≥"
            say(
                f"{result.name}  {result.ours:,.4g} {result.unit} · {result.peer}: "
                f"{result.theirs:,.4g} · ratio {result.ratio:.3g} (goal {sign} {result.goal:g})"
                f" {'met' if result.met else 'MISSED'}  {result.title}"
            )
    if json:
        print_json({"hardware": machine, "quick": quick, "results": [r.as_json() for r in results]})
