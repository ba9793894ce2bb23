"""`import`, `operator grant` and `demo`: the musician's and the operator's shortcuts."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runtime.cli.bar import bar
from runtime.cli.output import Json, print_json, say
from runtime.settings import Settings, load_settings

if TYPE_CHECKING:
    from runtime.importer import Imported

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
operator = typer.Typer(no_args_is_help=True, help="Who may see and repair the installation.")
app.add_typer(operator, name="operator")
DEMO_EMAIL = "demo@noculture.example"
DEMO_TRACKS = 12

Account = Annotated[str, typer.Option("--as", metavar="EMAIL", help="Whose vault.")]
Wait = Annotated[bool, typer.Option("--wait", help="Return when all are analysed as well.")]


@app.command("import")
def import_folders(
    folders: Annotated[list[Path], typer.Argument(metavar="FOLDER…", show_default=False)],
    email: Account,
    wait: Wait = False,
    json: Json = False,
) -> None:
    """Bring folders of music into a vault. Run it again to go on where it stopped."""
    imported, link = _import(folders, email, analysed=wait)
    if json:
        print_json(_as_json(imported, link))
    else:
        _tell(imported, link)
    if imported.undecided:
        say(
            f"{imported.undecided} files are stored but were not looked into yet. "
            "`./noculture status` says whether the worker runs."
        )
        raise typer.Exit(1)


@operator.command()
def grant(
    email: Annotated[str, typer.Argument(metavar="EMAIL", show_default=False)], json: Json = False
) -> None:
    """Give an account operator rights. The first account has them."""
    from runtime.command_side import command_side
    from runtime.composition import open_core

    with open_core(load_settings(), connections=3) as core:
        committed = command_side(core).accounts.grant_operator(email)
    if json:
        print_json({"operator": email, "account": committed.stream_id})
    else:
        print(f"{email} is an operator.")


@app.command()
def demo(
    tracks: Annotated[int, typer.Option(min=1, max=60, help="How many.")] = DEMO_TRACKS,
    email: Account = DEMO_EMAIL,
    json: Json = False,
) -> None:
    """Compose music, bring it into a vault, measure it, and print links to what came of it."""
    from runtime.demo_music import render

    settings = load_settings()
    _require_running(settings)
    with tempfile.TemporaryDirectory(prefix="noculture-demo-") as folder:
        say(f"composing {tracks} tracks")
        with bar("composing", tracks) as composed:
            truths = render(Path(folder), tracks, done=composed)
        imported, link = _import([Path(folder)], email, analysed=True)
    found = _measured(settings, email)
    if json:
        print_json(_as_json(imported, link) | {"web": _web(settings), "tracks": found})
        return
    _tell(imported, link)
    known = {truth.title: truth for truth in truths}
    for track in found:
        truth = known.get(track["title"])
        meant = f"composed at {truth.tempo_bpm:g} in {truth.key}" if truth else ""
        print(
            f"  {track['title']:<28.28} {track['tempo_bpm'] or 0:>6.1f} BPM  "
            f"{track['key'] or 'no key':<9} {meant:<28} {track['link']}"
        )


def _import(folders: Sequence[Path], email: str, *, analysed: bool) -> tuple[Imported, str | None]:
    """What was imported, and the one-time link of an account without a password."""
    from kit.caller import Caller
    from kit.paging import Cursors
    from kit.tokens import Signer
    from read_api.assets import AssetQueries
    from runtime.command_side import command_side
    from runtime.composition import open_core
    from runtime.importer import files_of, import_files

    settings = load_settings()
    _require_running(settings)
    files = files_of(folders)
    with open_core(settings, connections=8) as core:
        changing = command_side(core)
        try:
            invitation = changing.accounts.invite(email)
        except ValueError as error:
            say(f"noculture: {email} is no e-mail address: {error}")
            raise typer.Exit(2) from error
        caller = Caller(invitation.account_id, invitation.workspace_id)
        vault = AssetQueries(core.pool, Cursors(Signer(settings.secrets.signing_key)))
        what = "analysing" if analysed else "checking"
        with bar("uploading", len(files)) as uploaded, bar(what, len(files)) as decided:
            imported = import_files(
                changing.assets,
                vault,
                caller,
                files,
                analysed=analysed,
                uploaded=uploaded,
                decided=decided,
            )
    token = invitation.link_token
    return imported, f"{_web(settings)}/sign-in/{token}" if token else None


def _measured(settings: Settings, email: str) -> list[dict[str, Any]]:
    from kit.caller import Caller
    from kit.paging import Cursors
    from kit.tokens import Signer
    from read_api.asset_filters import AssetFilters
    from read_api.assets import AssetQueries
    from runtime.command_side import command_side
    from runtime.composition import open_core

    with open_core(settings, connections=3) as core:
        invitation = command_side(core).accounts.invite(email)
        vault = AssetQueries(core.pool, Cursors(Signer(settings.secrets.signing_key)))
        caller = Caller(invitation.account_id, invitation.workspace_id)
        return [
            {
                "id": asset.id,
                "title": asset.tags.title or asset.filename,
                "tempo_bpm": asset.analysis.tempo_bpm if asset.analysis else None,
                "key": asset.analysis.key if asset.analysis else None,
                "link": f"{_web(settings)}/assets/{asset.id}",
            }
            for asset in vault.list(caller, AssetFilters(limit=200)).data
        ]


def _as_json(imported: Imported, link: str | None) -> dict[str, Any]:
    return {
        "imported": imported.imported,
        "duplicates": imported.duplicates,
        "rejected": [
            {"path": r.path, "code": r.code, "reason": r.reason} for r in imported.rejected
        ],
        "sign_in_link": link,
    }


def _tell(imported: Imported, link: str | None) -> None:
    print(
        f"{imported.imported} imported, {imported.duplicates} already there, "
        f"{len(imported.rejected)} not taken."
    )
    for refusal in imported.rejected:
        print(f"  {refusal.path}: {refusal.reason} ({refusal.code})")
    if link:
        print(f"Sign in once, within a day: {link}")


def _web(settings: Settings) -> str:
    """Where the pages are now: the port may have been chosen at the start."""
    from runtime.state import RunState

    state = RunState.read(settings.run_dir)
    return state.web if state else settings.web_url


def _require_running(settings: Settings) -> None:
    from runtime.errors import NothingRunning

    if not (settings.app_database_url or settings.database_url):
        raise NothingRunning(settings.data)
