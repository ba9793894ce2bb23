"""`doctor`: what this machine and installation have, and what to do about what is missing."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from runtime.checks import all_findings
from runtime.cli.output import Json, print_json
from runtime.finding import Finding
from runtime.installation import chosen_data

app = typer.Typer(pretty_exceptions_enable=False)
MARKS = {
    "ok": "[green]ok     [/]",
    "advice": "[yellow]advice [/]",
    "problem": "[red]problem[/]",
}


@app.command()
def doctor(
    json: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Only what needs something.")] = False,
) -> None:
    """Check this machine and installation. Exit code 1 if something keeps it from working."""
    findings = all_findings(chosen_data())
    shown = [finding for finding in findings if not quiet or finding.level != "ok"]
    healthy = all(finding.level != "problem" for finding in findings)
    if json:
        print_json({"ok": healthy, "findings": [asdict(finding) for finding in shown]})
    else:
        print_for_people(shown)
    raise typer.Exit(0 if healthy else 1)


def print_for_people(findings: list[Finding]) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console(soft_wrap=True, highlight=False)
    for finding in findings:
        source = f"  [dim]({escape(finding.source)})[/]" if finding.source else ""
        line = f"{finding.name:<34} {escape(finding.value)}{source}"
        console.print(f"{MARKS[finding.level]} {line}")
        if finding.advice:
            console.print(f"        → {escape(finding.advice)}")
