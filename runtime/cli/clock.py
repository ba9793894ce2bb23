"""`clock`: the time that the domain sees, and moving it on in test mode."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from runtime.cli.output import Json, print_json
from runtime.settings import load_settings

app = typer.Typer(pretty_exceptions_enable=False, help="The domain's clock, in test mode.")
Seconds = Annotated[float, typer.Argument(metavar="SECONDS", show_default=False)]


@app.callback()
def clock() -> None:
    """Move the domain's clock on, where nothing outside is live."""


@app.command()
def advance(seconds: Seconds, json: Json = False) -> None:
    """Move it on by so many seconds, and wait until all that fell due has run."""
    from pydantic import ValidationError

    from commands.system.clock import LONGEST_S, AdvanceClock
    from events.ids import CommandId
    from events.times import rfc3339
    from processors.system.advancing import Advancing
    from runtime.areas import SAGAS
    from runtime.composition import open_core
    from runtime.domain_clock import require_test_mode

    try:
        command = AdvanceClock(advance_s=seconds)
    except ValidationError as error:
        wrong = f"0.001 to {LONGEST_S} seconds"
        raise typer.BadParameter(wrong, param_hint="SECONDS") from error
    settings = load_settings()
    require_test_mode(settings)
    with open_core(settings, connections=3) as core:
        advancing = Advancing(core.pool, core.log.clock, core.progress, SAGAS)
        advanced = advancing.advance(timedelta(seconds=command.advance_s), CommandId.new())
    now = rfc3339(advanced.now)
    if json:
        print_json({"now": now})
    else:
        print(f"For the domain it is {now} now.")
