"""`consumers`: how far each reader of the log is, rebuild, replay, wait."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runtime.cli.output import Json, print_json, say
from runtime.settings import load_settings

if TYPE_CHECKING:
    from processors.consumers.consumer import Consumer
    from processors.rebuild import Rebuilt
    from runtime.composition import Core

app = typer.Typer(pretty_exceptions_enable=False, help="Who reads the log, and how far they are.")
Names = Annotated[list[str] | None, typer.Argument(metavar="NAME…", show_default=False)]

Name = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]


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
    from rich.markup import escape
    from rich.table import Table

    table = Table("name", "kind", "version", "position", "lag", "parked", "", box=None)
    for consumer in answer["consumers"]:
        cells = ("name", "kind", "version", "position", "lag", "parked")
        table.add_row(*(str(consumer[cell]) for cell in cells), escape(consumer["stopped"] or ""))
    Console().print(table)


@app.command()
def rebuild(
    names: Names = None,
    all_views: Annotated[bool, typer.Option("--all", help="Every read model.")] = False,
    json: Json = False,
) -> None:
    """Make read models anew from the log beside the live ones, compare, and swap.

    An interrupted rebuild goes on where it was. The replaced build is kept for a while: `rollback`
    brings it back, `confirm` drops it.
    """
    from processors.consumers.projection import ProjectionConsumer
    from runtime.consumers import rebuilder

    if not names and not all_views:
        say("noculture: name the read models to rebuild, or say --all")
        raise typer.Exit(2)
    rebuilt: list[dict[str, Any]] = []
    with _known_consumers() as (core, known):
        if all_views:
            names = [n for n, c in known.items() if isinstance(c, ProjectionConsumer)]
        for consumer in [_named(known, name) for name in names or ()]:
            done = rebuilder(core).rebuild(consumer)
            rebuilt.append(_as_json(done))
            if not json:
                same = {True: "identical", False: "DIFFERENT", None: "nothing to compare it with"}
                print(
                    f"{done.name}: {done.events} events, {done.seconds:.2f} s,"
                    f" {same[done.identical]}; the live build waited {done.held_ms:.0f} ms"
                )
    if json:
        print_json({"rebuilt": rebuilt})
    if any(each["identical"] is False for each in rebuilt):
        raise typer.Exit(1)


@app.command()
def rollback(name: Name, json: Json = False) -> None:
    """Bring the build back that the last rebuild replaced, caught up; it is kept the other way
    round.
    """
    from runtime.consumers import rebuilder

    with _known_consumers() as (core, known):
        done = rebuilder(core).roll_back(_named(known, name))
    if json:
        print_json({"rolled_back": _as_json(done)})
    else:
        print(f"{name}: the replaced build is live again, {done.events} events were folded into it")


@app.command()
def confirm(name: Name, json: Json = False) -> None:
    """Drop the build that the last rebuild replaced."""
    from runtime.consumers import rebuilder

    with _known_consumers() as (core, known):
        dropped = rebuilder(core).confirm(_named(known, name))
    if json:
        print_json({"name": name, "dropped": dropped})
    else:
        print(f"{name}: {'the replaced build is gone' if dropped else 'nothing was kept'}")


@app.command()
def parked(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", show_default=False)] = None,
    json: Json = False,
) -> None:
    """Streams that a consumer could not digest: which event, why, and how many wait behind it."""
    from dataclasses import asdict

    from events.times import rfc3339
    from processors.consumers.parking import all_parked
    from runtime.composition import open_core

    with open_core(load_settings(), connections=2) as core, core.pool.connection() as connection:
        streams = all_parked(connection, name)
    if json:
        rows = [asdict(each) | {"parked_at": rfc3339(each.parked_at)} for each in streams]
        print_json({"parked": rows})
        return
    for each in streams:
        print(f"{each.consumer}: {each.stream_id}, {each.waiting} events since {each.parked_at}")
        print(f"  at position {each.position}, {each.type} {each.event_id}: {each.error}")
        print(f"  look at it: ./noculture log read --from {each.position} --limit 1")
        print(f"  after the program is corrected: ./noculture consumers replay {each.consumer}")
    if not streams:
        print("Nothing is parked.")


@app.command()
def replay(name: Name, json: Json = False) -> None:
    """Give a consumer its parked events again."""
    from processors.consumers.replay import replay as replay_parked

    with _known_consumers() as (core, known):
        done = replay_parked(core.pool, _named(known, name), core.codec)
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


@contextmanager
def _known_consumers() -> Iterator[tuple[Core, dict[str, Consumer]]]:
    """The installation, and its consumers by name."""
    from runtime.composition import new_wakes, open_core
    from runtime.consumers import consumers

    with open_core(load_settings(), acting="worker", connections=8) as core:
        yield core, {consumer.name: consumer for consumer in consumers(core, new_wakes())}


def _named(known: dict[str, Consumer], name: str) -> Consumer:
    from events.log.progress import UnknownConsumer

    if name not in known:
        raise UnknownConsumer(name)
    return known[name]


def _as_json(done: Rebuilt) -> dict[str, Any]:
    return {
        "name": done.name,
        "events": done.events,
        "seconds": round(done.seconds, 3),
        "identical": done.identical,
        "held_ms": round(done.held_ms, 1),
    }
