"""All commands by name; the module of one is imported when it is called."""

from __future__ import annotations

import importlib
from typing import Any

import typer
import typer.main
from typer.core import TyperGroup

# command → module; each module has an `app`.
GROUPS = {
    "log": "runtime.cli.log",
    "consumers": "runtime.cli.consumers",
    "sagas": "runtime.cli.sagas",
    "privacy": "runtime.cli.privacy",
    "secrets": "runtime.cli.secrets",
    "work": "runtime.cli.work",
    "clock": "runtime.cli.clock",
    "evaluate": "runtime.cli.evaluate",
}
COMMANDS = {
    "up": "runtime.cli.service",
    "down": "runtime.cli.service",
    "supervise": "runtime.cli.service",
    "run": "runtime.cli.service",
    "status": "runtime.cli.status",
    "doctor": "runtime.cli.doctor",
    "kafka": "runtime.cli.kafka",
    "import": "runtime.cli.library",
    "operator": "runtime.cli.library",
    "demo": "runtime.cli.library",
    "analyse": "runtime.cli.analyse",
    "backup": "runtime.cli.backup",
    "restore": "runtime.cli.backup",
    "copy-audio": "runtime.cli.backup",
    "bench": "runtime.cli.bench",
    "torture": "runtime.cli.torture",
    "test": "runtime.cli.test",
}


class LazyCommands(TyperGroup):
    """Loads the module of the command that was named."""

    # The class of a context is click's or typer's own, as the version of typer will have it.
    def list_commands(self, ctx: object) -> list[str]:
        return [*COMMANDS, *GROUPS]

    def get_command(self, ctx: object, cmd_name: str) -> Any | None:
        if module := GROUPS.get(cmd_name):
            group = _load(module)
            # `--help` lists a command by the name that it gives itself.
            group.name = cmd_name
            return group
        if module := COMMANDS.get(cmd_name):
            loaded = _load(module)
            if hasattr(loaded, "get_command"):
                return loaded.get_command(ctx, cmd_name)
            return loaded
        return None


def _load(module: str) -> Any:
    app: typer.Typer = importlib.import_module(module).app
    return typer.main.get_command(app)


app = typer.Typer(
    cls=LazyCommands,
    name="noculture",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="NoCulture OS: upload, organise, split, sell, book, distribute and get paid.",
)


@app.callback()
def choose_installation(
    data: str = typer.Option("", "--data", metavar="DIR", help="The installation's folder."),
) -> None:
    """`--data` is taken out of the arguments by `main`, so that it may stand anywhere."""
