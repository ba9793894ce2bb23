"""`work`: commands and effects that fail again and again, and an operator's hand for one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

from runtime.cli.output import Json, print_json
from runtime.settings import load_settings

if TYPE_CHECKING:
    import psycopg

T = TypeVar("T")
app = typer.Typer(
    pretty_exceptions_enable=False, help="Work that fails again and again, and a hand for it."
)
KindOf = Annotated[Literal["command", "effect"], typer.Argument(show_default=False)]
Id = Annotated[str, typer.Argument(metavar="ID", show_default=False)]
Name = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]


@app.callback(invoke_without_command=True)
def list_failing(context: typer.Context, json: Json = False) -> None:
    """List what failed five times or more; exit code 1 when there is some."""
    if context.invoked_subcommand is not None:
        return
    from processors.failing import failing

    found = _with_database(failing)
    if json:
        print_json({"failing": [{**asdict(each), "due_at": str(each.due_at)} for each in found]})
    else:
        for each in found:
            print(f"{each.kind} {each.id} {each.name}: {each.failures} failures, {each.error}")
    if found:
        raise typer.Exit(1)


@app.command()
def retry(kind: KindOf, id: Id, name: Name) -> None:
    """Try it at once, and count its failures from nothing."""
    from processors.failing import hasten

    _with_database(lambda connection: hasten(connection, kind, id, name))
    print(f"{name} is tried now.")


@app.command()
def drop(kind: KindOf, id: Id, name: Name) -> None:
    """Give it up for good; prints all that was known of it."""
    from processors.failing import drop

    print(_with_database(lambda connection: drop(connection, kind, id, name)))


def _with_database(ask: Callable[[psycopg.Connection[Any]], T]) -> T:
    from runtime.composition import open_core

    with open_core(load_settings(), connections=2) as core, core.pool.connection() as connection:
        return ask(connection)
