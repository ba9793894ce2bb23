"""`import`, `operator grant` and `demo`: the musician's and the operator's shortcuts."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runtime.cli.address import address
from runtime.cli.bar import bar
from runtime.cli.imported import as_json, tell, tell_account
from runtime.cli.output import Json, print_json, say
from runtime.settings import Settings, load_settings

if TYPE_CHECKING:
    from kit.caller import Caller
    from read_api.vault.assets import AssetQueries
    from runtime.cli.imported import Outcome
    from runtime.demo_music import TrackTruth

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
operator = typer.Typer(no_args_is_help=True, help="Who may see and repair the installation.")
app.add_typer(operator, name="operator")
DEMO_EMAIL = "demo@noculture.example"
DEMO_LISTENER = "listener@noculture.example"
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
    """Bring folders of music into a vault. Run it again to go on where it stopped.

    What cannot be read or is no music is named, and the rest goes in. A link is followed once.
    """
    outcome = _import(folders, email, analysed=wait, json=json)
    if json:
        print_json(as_json(outcome))
    else:
        tell(outcome)
    raise typer.Exit(outcome.exit_code)


@operator.command()
def grant(
    email: Annotated[str, typer.Argument(metavar="EMAIL", show_default=False)], json: Json = False
) -> None:
    """Give an account operator rights. The first account has them."""
    from runtime.areas import ALL, account
    from runtime.composition import open_core

    email = address(email)
    with open_core(load_settings(), connections=3) as core:
        committed = account.commands_of(core, ALL).accounts.grant_operator(email)
    if json:
        print_json({"operator": email, "account": committed.stream_id})
    else:
        print(f"{email} is an operator.")


@operator.command("sign-out")
def sign_out(
    email: Annotated[str, typer.Argument(metavar="EMAIL", show_default=False)], json: Json = False
) -> None:
    """End every session of an account: its browsers must sign in again."""
    from runtime.areas import ALL, account
    from runtime.composition import open_core

    email = address(email)
    with open_core(load_settings(), connections=3) as core:
        committed = account.commands_of(core, ALL).signing_out.by_email(email, None)
    if json:
        print_json({"signed_out": email, "account": committed.stream_id})
    else:
        print(f"{email} is signed out everywhere.")


@app.command()
def demo(
    tracks: Annotated[int, typer.Option(min=1, max=60, help="How many.")] = DEMO_TRACKS,
    email: Account = DEMO_EMAIL,
    json: Json = False,
) -> None:
    """Compose music, bring it into a vault, measure it, share a track of it with a second account,
    and print links to what came of it.
    """
    from runtime.demo_music import render

    settings = load_settings()
    _require_running(settings)
    with tempfile.TemporaryDirectory(prefix="noculture-demo-") as folder:
        say(f"composing {tracks} tracks")
        with bar("composing", tracks) as composed:
            composed_in = Path(folder) / "Demo"
            truths = render(composed_in, tracks, done=composed)
        outcome = _import([composed_in], email, analysed=True, json=json)
    found = _measured(settings, email)
    shared = _share(settings, email, found[0]) if found else None
    if json:
        print_json(as_json(outcome) | {"web": _web(settings), "tracks": found, "shared": shared})
    else:
        tell(outcome, named=False)
        _tell_tracks(found, truths)
        if shared:
            told = f"“{shared['title']}” is shared with {shared['with']}, who sees it here:"
            print(told, shared["link"])
    raise typer.Exit(outcome.exit_code)


def _import(folders: Sequence[Path], email: str, *, analysed: bool, json: bool) -> Outcome:
    """Brings folders in; the link to sign in is told first, so that nothing later can lose it."""
    from kit.caller import Caller
    from kit.paging import Cursors
    from kit.tokens import Signer
    from read_api.vault.assets import AssetQueries
    from read_api.vault.queue import read_queue
    from runtime.areas import ALL, account, vault
    from runtime.cli.imported import Outcome
    from runtime.composition import open_core
    from runtime.importer import import_files
    from runtime.walk import walk

    settings, email = load_settings(), address(email)
    _require_running(settings)
    walked = walk(folders)
    with open_core(settings, connections=8) as core:
        invitation = account.commands_of(core, ALL).accounts.invite(email)
        is_erased = partial(account.is_erased, core)
        token, web = invitation.link_token, _web(settings)
        link = f"{web}/sign-in/{token}" if token else None
        tell_account(email, link, founded=invitation.founded, json=json)
        caller = Caller(invitation.account_id, invitation.workspace_id)
        found = AssetQueries(core.pool, Cursors(Signer(settings.secrets.signing_key)))
        what, count = "analysing" if analysed else "checking", len(walked.files)
        with bar("uploading", count) as uploaded, bar(what, count) as decided:
            imported = import_files(
                vault.commands_of(core, is_erased).assets,
                found,
                caller,
                walked,
                analysed=analysed,
                uploaded=uploaded,
                decided=decided,
            )
        waiting = _waiting(found, caller)
        with core.pool.connection() as connection:
            queue = read_queue(connection)
    return Outcome(
        imported, link, invitation.founded, analysed, waiting, queue.left_s(queue.uploads), web
    )


def _waiting(vault: AssetQueries, caller: Caller) -> int:
    """Recordings of this vault that are still to be measured."""
    from read_api.errors import ViewNotReady

    try:
        states = vault.stats(caller).by_state
    except ViewNotReady:
        return 0
    return states.get("uploaded", 0) + states.get("verified", 0)


def _measured(settings: Settings, email: str) -> list[dict[str, Any]]:
    from kit.caller import Caller
    from kit.paging import Cursors
    from kit.tokens import Signer
    from read_api.vault.asset_filters import AssetFilters
    from read_api.vault.assets import AssetQueries
    from runtime.areas import ALL, account
    from runtime.composition import open_core

    with open_core(settings, connections=3) as core:
        invitation = account.commands_of(core, ALL).accounts.invite(email)
        vault = AssetQueries(core.pool, Cursors(Signer(settings.secrets.signing_key)))
        caller = Caller(invitation.account_id, invitation.workspace_id)
        return [
            {
                "id": asset.id,
                "title": asset.tags.title or asset.filename,
                "tempo_bpm": asset.analysis.tempo_bpm if asset.analysis else None,
                "key": asset.analysis.key if asset.analysis else None,
                "measured": asset.analysis is not None,
                "link": f"{_web(settings)}/assets/{asset.id}",
            }
            for asset in vault.list(caller, AssetFilters(limit=200)).data
        ]


def _share(settings: Settings, email: str, track: dict[str, Any]) -> dict[str, Any] | None:
    """Shares a track with a second account, which may comment on it; `link` signs in to that, or
    leads to the track where the account has a password. None where the track is its own.
    """
    from commands.vault.sharing import ShareAsset, Sharing
    from kit.caller import Caller
    from runtime.areas import ALL, account
    from runtime.composition import open_core

    with open_core(settings, connections=3) as core:
        commands = account.commands_of(core, ALL)
        owner = commands.accounts.invite(email)
        listener = commands.accounts.invite(DEMO_LISTENER)
        if listener.account_id == owner.account_id:
            return None
        Sharing(core.commands, commands.people.find).share(
            Caller(owner.account_id, owner.workspace_id),
            track["id"],
            ShareAsset(account_id=listener.account_id, right="comment"),
        )
    token = listener.link_token
    link = f"{_web(settings)}/sign-in/{token}" if token else track["link"]
    return {"title": track["title"], "with": DEMO_LISTENER, "right": "comment", "link": link}


def _tell_tracks(found: list[dict[str, Any]], truths: Sequence[TrackTruth]) -> None:
    known = {truth.title: truth for truth in truths}
    for track in found:
        truth = known.get(track["title"])
        meant = f"composed at {truth.tempo_bpm:g} in {truth.key}" if truth else ""
        tempo = f"{track['tempo_bpm']:.1f} BPM" if track["tempo_bpm"] else "no tempo"
        heard = (
            f"{tempo:>9}  {track['key'] or 'no key'}" if track["measured"] else "not analysed yet"
        )
        print(f"  {track['title']:<28.28} {heard:<22} {meant:<28} {track['link']}")


def _web(settings: Settings) -> str:
    """Where the pages are now: the port may have been chosen at the start."""
    from runtime.state import RunState

    state = RunState.read(settings.run_dir)
    return state.web if state else settings.web_url


def _require_running(settings: Settings) -> None:
    from runtime.errors import NothingRunning

    if not settings.dsn("app"):
        raise NothingRunning(settings.data)
