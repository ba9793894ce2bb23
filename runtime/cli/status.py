"""`status`: prints what runs here."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from read_api.vault.queue import left
from runtime.cli.output import Json, print_json
from runtime.installation import chosen_data
from runtime.status import describe, describe_secrets

app = typer.Typer(pretty_exceptions_enable=False)
Secrets = Annotated[
    bool,
    typer.Option("--secrets", help="Also the passwords of the database and of a Kafka auditor."),
]


@app.command()
def status(json: Json = False, secrets: Secrets = False) -> None:
    """Say what runs, where, and how far it is. Exit code 3 when nothing runs."""
    described = describe(chosen_data())
    if secrets:
        described["secrets"] = describe_secrets(chosen_data())
    if json:
        print_json(described)
    else:
        print_for_people(described)


def print_for_people(described: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    console.print(f"{described['web']}  {'ready' if described['ready'] else 'starting'}")
    console.print(
        f"[dim]{escape(described['data'])}  event log {described['event_log']}[/]", soft_wrap=True
    )
    table = Table("part", "pid", "state", "lag", "detail", box=None)
    for part in described["parts"]:
        cells = (part["name"], part["pid"], part["state"], part["lag"], part["detail"])
        table.add_row(*("" if cell is None else escape(str(cell)) for cell in cells))
    for double in described["doubles"]:
        cells = (f"{double['name']} double", double["pid"], double["state"], None, double["detail"])
        table.add_row(*("" if cell is None else escape(str(cell)) for cell in cells))
    console.print(table)
    console.print(f"head {described['head']}")
    console.print(measuring_told(described["measuring"]))
    if secrets := described.get("secrets"):
        print_secrets(secrets)


def print_secrets(secrets: dict[str, Any]) -> None:
    """Plainly, to be copied whole."""
    print(f"database owner  {secrets['owner_database_url'] or 'not known'}")
    for name, value in (secrets["kafka"] or {}).items():
        print(f"kafka {name}  {value}")


def measuring_told(measuring: dict[str, Any] | None) -> str:
    if measuring is None:
        return "The database does not answer."
    if not measuring["waiting"]:
        return "No track waits to be analysed."
    return f"{measuring['waiting']} wait to be analysed, {left(measuring['left_s'])}"
