"""`analyse`: measure a vault's recordings again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runtime.cli.address import address
from runtime.cli.bar import bar
from runtime.cli.output import Json, print_json, say
from runtime.settings import load_settings

if TYPE_CHECKING:
    from commands.vault.analyses import Analyses

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
Account = Annotated[str, typer.Option("--as", metavar="EMAIL", help="Whose vault.")]
LOOK_EVERY_S = 0.5


@app.command()
def analyse(
    email: Account,
    everything: Annotated[
        bool, typer.Option("--all", help="Also those that the newest analyser has done.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Return when all are analysed.")] = False,
    json: Json = False,
) -> None:
    """Re-analyse tracks: those of an older analyser, or --all. New uploads go first.

    Run the command again to see how far a run is.
    """
    from commands.account.logins import Logins
    from commands.vault.analyses import Analyses
    from gateways.audio.assemble import ANALYSER_VERSION
    from kit.caller import Caller
    from read_api.vault.reanalyses import ReanalysisQueries
    from runtime.composition import open_core

    settings, email = load_settings(), address(email)
    with open_core(settings, connections=4) as core:
        login = Logins(core.pool, settings.secrets.installation_key).of_email(email)
        if login is None:
            say(f"noculture: {email} has no account here.")
            raise typer.Exit(2)
        caller = Caller(login.account_id, login.workspace_id)
        progress = ReanalysisQueries(core.pool)
        begun = _begin(
            Analyses(core.commands, progress.choose),
            caller,
            None if everything else ANALYSER_VERSION,
        )
        core.progress.wait_until("reanalyses", core.log.events.head(), 10)
        found = progress.get(caller, begun)
        if wait:
            with bar("analysing", found.total) as measured:
                while found.state == "running":
                    measured(found.done)
                    time.sleep(LOOK_EVERY_S)
                    found = progress.get(caller, begun)
    if json:
        print_json(found.model_dump(mode="json"))
    else:
        print(
            f"{found.id}: {found.state}, {found.done} of {found.total} done,"
            f" {found.failed} not analysed."
        )
    if wait and found.failed:
        say("Their pages say why; their earlier figures stay.")
        raise typer.Exit(1)


def _begin(analyses: Analyses, caller: Any, below: int | None) -> str:
    """The run that is begun, or the one that is under way."""
    from commands.vault.analyses import ReanalysisRunning, RequestReanalysis
    from schemas.vault.analyses import ReanalysisFilter

    wanted = RequestReanalysis(filter=ReanalysisFilter(analyser_version_below=below))
    try:
        requested, _ = analyses.request(caller, wanted)
    except ReanalysisRunning as running:
        say("A run is under way already; this is its progress.")
        return running.reanalysis_id
    return requested.id
