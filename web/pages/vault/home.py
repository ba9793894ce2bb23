"""The vault's part of Home: tracks that need an ear, what is analysed, what came in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from kit.caller import Caller
from read_api.errors import GrantsBehind
from read_api.vault.asset_filters import AssetFilters
from read_api.vault.queue import left
from schemas.vault.dto import AssetDto, CommentDto
from web import looks
from web.home import HomePart, Item
from web.pages.vault import measuring
from web.pages.vault.doubt import doubt
from web.pages.vault.listening import UNSURE_BELOW
from web.pages.vault.tools import VaultTools
from web.pages.vault.words import readable, title

NEW = 5
MOST_NEEDS = 50
# What a figure is called where several are in doubt.
_DOUBTED = ("tempo", "key")


def part(tools: VaultTools) -> HomePart:
    return HomePart(
        views=("vault", "reanalyses", "comments"),
        needs=partial(_needs, tools),
        running=partial(_running, tools),
        new=lambda caller: [
            *_shares(tools, caller),
            *_comments(tools, caller),
            *_tracks(tools, caller),
        ],
        first=partial(_first, tools),
    )


def _needs(tools: VaultTools, caller: Caller) -> Sequence[Item]:
    troubled = tools.vault.troubled(caller, UNSURE_BELOW, MOST_NEEDS)
    return [Item(title(asset), f"/assets/{asset.id}", what_is_wrong(asset)) for asset in troubled]


def what_is_wrong(asset: AssetDto) -> str:
    """Why a track needs its owner, in one line."""
    match asset.state:
        case "rejected":
            why = readable(asset.rejection.reason) if asset.rejection else ""
            return f"Not taken: {why}" if why else "Not taken"
        case "analysis_failed":
            why = readable(asset.analysis_error.reason) if asset.analysis_error else ""
            return f"Not analysed: {why}" if why else "Not analysed"
        case _:
            doubted = " and ".join(name for name in _DOUBTED if doubt(asset, name))
            return f"{doubted.capitalize()} uncertain: check by ear"


def _running(tools: VaultTools, caller: Caller) -> Sequence[Item]:
    by_state = tools.vault.stats(caller).by_state
    waiting = by_state.get("uploaded", 0) + by_state.get("verified", 0)
    again = tools.reanalyses.newest(caller)
    queue, items = tools.queue(), []
    if waiting:
        why = f"Analysing, {left(queue.left_s(queue.uploads))}"
        items.append(Item(measuring.counted(waiting), "/vault", why))
    if again and again.state == "running":
        rest = queue.left_s(queue.uploads + again.total - again.done)
        why = f"Re-analysing, {looks.grouped(again.done)} done, {left(rest)}"
        items.append(Item(measuring.counted(again.total), "/vault", why))
    return items


def _shares(tools: VaultTools, caller: Caller) -> Iterator[Item]:
    try:
        shared = tools.vault.shared(caller, limit=NEW).data
    except GrantsBehind:
        # The page of what is shared says so; here the rest is told.
        return
    for asset in shared:
        owner = asset.shared.owner if asset.shared else None
        who = f"Shared by {owner.name}" if owner and owner.name else "Shared with you"
        yield Item(title(asset), f"/assets/{asset.id}", who)


def _comments(tools: VaultTools, caller: Caller) -> Iterator[Item]:
    said = tools.said.newest(caller, NEW)
    named = {each.id: title(each) for each in tools.vault.listed(caller, _assets_of(said))}
    for comment in said:
        where = f"On {named.get(comment.asset_id, 'a track')} at {looks.clock(comment.at_s)}"
        what = f"{comment.author.name or 'Somebody'}: {comment.text or 'a comment'}"
        yield Item(what, f"/assets/{comment.asset_id}#comments", where, comment.added_at)


def _assets_of(said: Sequence[CommentDto]) -> list[str]:
    return list(dict.fromkeys(comment.asset_id for comment in said))


def _tracks(tools: VaultTools, caller: Caller) -> Iterator[Item]:
    for asset in tools.vault.list(caller, AssetFilters(limit=NEW)).data:
        yield Item(title(asset), f"/assets/{asset.id}", asset.tags.artist or "", asset.uploaded_at)


def _first(tools: VaultTools, caller: Caller) -> Sequence[Item]:
    if tools.vault.stats(caller).assets:
        return ()
    why = (
        "Upload a few tracks. Each gets its tempo, key, loudness and a waveform, and can be found."
    )
    return (Item("Add your first tracks", "/vault", why),)
