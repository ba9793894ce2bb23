"""`sagas`: how processes stand, which are stuck, and an operator's hand for one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from runtime.cli.output import Json, print_json
from runtime.settings import load_settings

if TYPE_CHECKING:
    from events.system.operation import Action
    from read_api.system.sagas import SagaQueries
    from runtime.composition import Core

app = typer.Typer(pretty_exceptions_enable=False, help="Processes, and a hand for stuck ones.")
SagaId = Annotated[str, typer.Argument(metavar="ID", show_default=False)]
Reason = Annotated[
    str, typer.Option("--reason", help="Why; kept for ever, readable by the saga's owner.")
]
MAX_LISTED = 200


@app.callback(invoke_without_command=True)
def list_sagas(
    context: typer.Context,
    stuck: Annotated[bool, typer.Option("--stuck", help="Those that need somebody.")] = False,
    json: Json = False,
) -> None:
    """List the sagas that moved last; exit code 1 when --stuck finds some."""
    if context.invoked_subcommand is not None:
        return
    from read_api.system.sagas import SagaFilters
    from runtime.composition import open_core

    with open_core(load_settings(), connections=2) as core:
        filters = SagaFilters(show="stuck" if stuck else "all", limit=MAX_LISTED)
        page = _queries(core).list(filters)
    if json:
        listed = [saga.model_dump(mode="json") for saga in page.data]
        print_json({"sagas": listed, "has_more": page.has_more})
    else:
        _table([saga.model_dump(mode="json") for saga in page.data])
    if stuck and page.data:
        raise typer.Exit(1)


@app.command()
def show(saga_id: SagaId, json: Json = False) -> None:
    """Every input of one saga, what it did about it, and what it waits for."""
    from runtime.composition import open_core

    with open_core(load_settings(), connections=2) as core:
        saga = _queries(core).get(saga_id)
    if json:
        print_json(saga.model_dump(mode="json"))
        return
    print(f"{saga.saga} {saga.id}: {saga.outcome or saga.state}")
    for step in saga.steps:
        because = f"{step.input_kind} {step.input_name}" + (f": {step.reason}" * bool(step.reason))
        state = step.outcome or step.state
        print(f"  {step.version}. {step.at:%Y-%m-%d %H:%M:%S} {state} ({because})")
        for command in step.sent:
            error = f", {command.attempts} tries: {command.error}" if command.error else ""
            print(f"       sent {command.name}: {command.verdict}{error}")
    for timer in saga.timers:
        overdue = " (overdue)" if timer.overdue else ""
        print(f"  waits for {timer.token} until {timer.due_at:%Y-%m-%d %H:%M:%S}{overdue}")
    for effect in saga.effects:
        print(f"  {effect.effect}: {effect.failures} failures {effect.error or ''}")
    if saga.stuck:
        print(f"  stuck: {saga.stuck}")


@app.command()
def retry(saga_id: SagaId, reason: Reason, json: Json = False) -> None:
    """Ask again for what it waits for; what failed is tried at once."""
    _operate("retry", saga_id, reason, json)


@app.command()
def skip(saga_id: SagaId, reason: Reason, json: Json = False) -> None:
    """Go on without what it waits for, where the saga knows what that means."""
    _operate("skip", saga_id, reason, json)


@app.command()
def abort(saga_id: SagaId, reason: Reason, json: Json = False) -> None:
    """Undo what can be undone, and end it."""
    _operate("abort", saga_id, reason, json)


def _operate(action: Action, saga_id: str, reason: str, json: bool) -> None:
    from pydantic import ValidationError

    from commands.system.operations import MAX_REASON, OperateSaga
    from events.ids import CommandId
    from processors.system.operating import Operating
    from runtime.areas import SAGAS
    from runtime.composition import open_core
    from schemas.text import refusal

    try:
        command = OperateSaga(reason=reason)
    except ValidationError as error:
        wrong = refusal(error) or f"1 to {MAX_REASON} characters"
        raise typer.BadParameter(wrong, param_hint="--reason") from error
    with open_core(load_settings(), connections=3) as core:
        committed = Operating(SAGAS, core.log, core.pool, core.codec).operate(
            action,
            saga_id,
            command.reason,
            # Whoever may run this holds the machine; an account would only be a claim.
            operator_id=None,
            command_id=CommandId.new(),
            expected_version=None,
        )
    if json:
        answer: dict[str, Any] = {"id": saga_id, "version": committed.stream_version}
        print_json(answer | {"position": committed.position})
    else:
        print(f"{saga_id} took it as step {committed.stream_version}.")


def _queries(core: Core) -> SagaQueries:
    from kit.paging import Cursors
    from kit.tokens import Signer
    from read_api.system.sagas import SagaQueries

    cursors = Cursors(Signer(core.settings.secrets.signing_key))
    return SagaQueries(core.pool, cursors, core.log.events.stream, core.log.clock.now)


def _table(sagas: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("saga", "id", "state", "steps", "waits for", "moved", "stuck", box=None)
    for saga in sagas:
        state = saga["outcome"] or saga["state"]
        waits = ", ".join(saga["waits_for"])
        moved, stuck = saga["stepped_at"], saga["stuck"] or ""
        table.add_row(saga["saga"], saga["id"], state, str(saga["version"]), waits, moved, stuck)
    Console().print(table)
