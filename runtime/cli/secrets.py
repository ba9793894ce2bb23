"""`secrets …`: what the installation keeps secret, and how each is exchanged."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from runtime.cli.output import Json, print_json
from runtime.settings import load_settings

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="The installation's secrets: which there are, and exchanging them.",
)


@app.command("list")
def list_secrets(json: Json = False) -> None:
    """Name each secret, what it is for and since when it is in use; no secret is shown."""
    from runtime.secret_rotation import SECRETS

    folder = load_settings().secrets.folder
    found = []
    for secret in SECRETS.values():
        path = folder / secret.name
        since = datetime.fromtimestamp(path.stat().st_mtime, UTC) if path.exists() else None
        found.append(
            {
                "name": secret.name,
                "purpose": secret.purpose,
                "since": since.strftime("%Y-%m-%dT%H:%M:%SZ") if since else None,
                "exchange_unfinished": (folder / f"{secret.name}.next").exists(),
            }
        )
    if json:
        print_json({"folder": str(folder), "secrets": found})
        return
    for each in found:
        unfinished = "  (an exchange was cut off: rotate it again)"
        note = unfinished if each["exchange_unfinished"] else ""
        print(f"{each['name']:<26} {each['since'] or 'not made yet':<21} {each['purpose']}{note}")


@app.command("rotate")
def rotate(
    name: Annotated[str, typer.Argument(help="One of `secrets list`.")], json: Json = False
) -> None:
    """Exchange a secret for a new one, and start again what has to read it.

    Safe to repeat: an exchange that was cut off is finished. On further machines of the
    installation, start the same parts again.
    """
    from runtime.restarting import restart_parts
    from runtime.secret_rotation import SECRETS, rotate_secret

    settings = load_settings()
    told = rotate_secret(settings, name)
    restarted = restart_parts(settings.run_dir, SECRETS[name].read_by)
    if json:
        print_json({"rotated": name, **told, "restarted": restarted})
        return
    print(f"{name} is exchanged.")
    for key, value in told.items():
        print(f"  {key}: {value}")
    if restarted:
        print(f"Started again: {', '.join(restarted)}.")
