"""`backup` and `restore`: the embedded database and the blobs, to a folder and back."""

from __future__ import annotations

import signal
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runtime.cli.output import Json, print_json
from runtime.settings import load_settings

if TYPE_CHECKING:
    from runtime.backup.folder import Backup

app = typer.Typer(pretty_exceptions_enable=False)
Folder = Annotated[Path, typer.Argument(metavar="FOLDER", file_okay=False, resolve_path=True)]


def _moment(text: str) -> datetime:
    """RFC 3339; without an offset it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"{text} is not a time like 2026-11-22T17:30:00.250000Z, as `log read --json` shows"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@app.command()
def backup(
    folder: Folder,
    follow: Annotated[
        bool,
        typer.Option("--follow", help="Stay, and keep all that is written: restore to any moment."),
    ] = False,
    json: Json = False,
) -> None:
    """Back up the database and the audio while everything runs. Not in it, to be kept elsewhere:
    `secrets`, and the erasure register.
    """
    from runtime.backup.taking import BackupTaker

    taker = BackupTaker(load_settings(), folder)

    def tell(taken: Backup) -> None:
        if json:
            print_json(taken.as_json())
        else:
            more = "; following, Ctrl-C ends it" if follow else ""
            print(f"{taken.folder} holds everything up to position {taken.head}{more}.", flush=True)

    if not follow:
        tell(taker.take())
        return
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stopping.set())
    taker.follow(tell, stopping.is_set)


@app.command("copy-audio")
def copy_audio(json: Json = False) -> None:
    """Put all audio of the folder `blobs` into the bucket that the settings name; the folder keeps
    it. Safe to repeat.
    """
    from runtime.backup.blobs import send_missing
    from runtime.composition import object_store

    settings = load_settings()
    if not settings.object_store_url:
        raise typer.BadParameter("NOCULTURE_OBJECT_STORE_URL names no bucket")
    sent = send_missing(settings.data / "blobs", object_store(settings))
    if json:
        print_json({"sent": sent})
    else:
        print(f"{sent} files went to {settings.object_store_url}.")


@app.command()
def restore(
    folder: Folder,
    to: Annotated[
        datetime | None,
        typer.Option(parser=_moment, metavar="TIME", help="The last moment to bring back."),
    ] = None,
    json: Json = False,
) -> None:
    """Put a backup back, into an installation that does not run; what was there is kept beside."""
    from runtime.backup.restoring import restore as restore_backup

    done = restore_backup(load_settings(), folder, to)
    if json:
        answer = {"backup": str(done.backup.folder), "head": done.head, "blobs": done.blobs}
        print_json(answer | {"replaced": str(done.replaced) if done.replaced else None})
        return
    print(f"Restored from {done.backup.folder}: head {done.head}, {done.blobs} files of audio.")
    if done.replaced:
        print(f"The database that was here: {done.replaced}")
    print("Next: `./noculture up`, then `./noculture log recover`, then `./noculture log verify`.")
