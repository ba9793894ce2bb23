"""`consumers`: how far each reader of the log is, rebuild, replay, wait."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from runtime.cli.output import Json, print_json, say
from runtime.settings import load_settings

app = typer.Typer(pretty_exceptions_enable=False, help="Who reads the log, and how far they are.")
Names = Annotated[list[str] | None, typer.Argument(metavar="NAME…", show_default=False)]


@app.callback(invoke_without_command=True)
def list_consumers(context: typer.Context, json: Json = False) -> None:
    """List every consumer with its position, lag and parked streams."""
    if context.invoked_subcommand is not None:
        return
    from processors.consumers.status import consumers_status
    from runtime.composition import open_core

    with open_core(load_settings(), connections=2) as core:
        answer = consumers_status(core.progress)
    if json:
        print_json(answer)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("name", "kind", "version", "position", "lag", "parked", "", box=None)
    for consumer in answer["consumers"]:
        cells = ("name", "kind", "version", "position", "lag", "parked")
        table.add_row(*(str(consumer[cell]) for cell in cells), consumer["stopped"] or "")
    Console().print(table)


@app.command()
def rebuild(
    names: Names = None,
    all_views: Annotated[bool, typer.Option("--all", help="Every read model.")] = False,
    json: Json = False,
) -> None:
    """Make read models anew from the log beside the live ones, compare, and swap."""
    from events.log.progress import UnknownConsumer
    from processors.consumers.projection import ProjectionConsumer
    from runtime.composition import new_wakes, open_core
    from runtime.consumers import consumers, rebuilder

    if not names and not all_views:
        say("noculture: name the read models to rebuild, or say --all")
        raise typer.Exit(2)
    rebuilt: list[dict[str, Any]] = []
    with open_core(load_settings(), connections=6) as core:
        known = {c.name: c for c in consumers(core, new_wakes())}
        if all_views:
            names = [n for n, c in known.items() if isinstance(c, ProjectionConsumer)]
        for name in names or ():
            if name not in known:
                raise UnknownConsumer(name)
        for name in names or ():
            done = rebuilder(core).rebuild(known[name])
            rebuilt.append(
                {
                    "name": done.name,
                    "events": done.events,
                    "seconds": round(done.seconds, 3),
                    "identical": done.identical,
                }
            )
            if not json:
                same = {True: "identical", False: "DIFFERENT", None: "a new version"}
                print(f"{name}: {done.events} events, {done.seconds:.2f} s, {same[done.identical]}")
    if json:
        print_json({"rebuilt": rebuilt})
    if any(each["identical"] is False for each in rebuilt):
        raise typer.Exit(1)


@app.command()
def replay(
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)], json: Json = False
) -> None:
    """Give a consumer its parked events again."""
    from events.log.progress import UnknownConsumer
    from processors.consumers.replay import replay as replay_parked
    from runtime.composition import new_wakes, open_core
    from runtime.consumers import consumers

    with open_core(load_settings(), connections=6) as core:
        known = {c.name: c for c in consumers(core, new_wakes())}
        if name not in known:
            raise UnknownConsumer(name)
        done = replay_parked(core.pool, known[name], core.codec)
    if json:
        answer = {"streams": done.streams, "events": done.events, "failed": done.failed}
        print_json({"name": name} | answer)
    else:
        print(f"{name}: {done.streams} streams run again, {done.events} events replayed.")
        for stream, why in done.failed.items():
            print(f"  {stream} stays parked: {why}")
    if done.failed:
        raise typer.Exit(1)


@app.command()
def wait(
    position: Annotated[int, typer.Option("--position", min=0, metavar="P")],
    timeout_s: Annotated[float, typer.Option("--timeout", min=0, metavar="S")] = 30.0,
    json: Json = False,
) -> None:
    """Return when every consumer is at the position; exit code 1 when the time is over."""
    import time

    from runtime.composition import open_core

    deadline = time.monotonic() + timeout_s
    with open_core(load_settings(), connections=2) as core:
        while True:
            behind = [c.name for c in core.progress.all() if c.position < position]
            if not behind or time.monotonic() >= deadline:
                break
            time.sleep(0.02)
    if json:
        print_json({"ok": not behind, "position": position, "behind": behind})
    elif behind:
        print(f"Not at {position} yet: {', '.join(behind)}.")
    else:
        print(f"Every consumer is at {position}.")
    if behind:
        raise typer.Exit(1)
