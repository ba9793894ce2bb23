"""Versions of a song: what titles say, the musician's word, and what the view makes of both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from aggregates.errors import NotFound
from aggregates.vault import versions
from aggregates.vault.asset import AssetInTrash, AssetNotReady
from events.vault.asset import AssetCurrentChosen, AssetSongChosen
from projections.vault.songs import base_title, kind_of, song_of
from projections.vault.vault import Vault
from schemas.examples import ACCOUNT, WORKSPACE, example_of
from schemas.vault.examples import ASSET
from tests.specification import given, projection

uploaded, verified = example_of("asset.uploaded", 2), example_of("asset.verified", 3)
rejected, deleted = example_of("asset.rejected", 1), example_of("asset.deleted", 1)
trashed = example_of("asset.trashed", 1)
PAST = (uploaded, verified)
SONG = "night bus / ada okoye"
OF_ASSET: dict[str, Any] = {"asset_id": ASSET, "workspace_id": WORKSPACE, "chosen_by": ACCOUNT}
CHOOSE: dict[str, Any] = {"asset_id": ASSET, "chosen_by": ACCOUNT, "song": SONG}
CURRENT: dict[str, Any] = {"asset_id": ASSET, "chosen_by": ACCOUNT, "current": True}


def chosen(song: str | None) -> AssetSongChosen:
    return AssetSongChosen(**OF_ASSET, owner_id=uploaded.uploaded_by, song=song)


def current(is_it: bool) -> AssetCurrentChosen:
    return AssetCurrentChosen(**OF_ASSET, current=is_it)


def test_a_musician_says_which_song_a_track_is_a_version_of():
    given(*PAST).when(versions.choose_song, **CHOOSE).then(chosen(SONG))
    given(*PAST, chosen(SONG)).when(versions.choose_song, **CHOOSE).then_nothing()
    given(*PAST, chosen(SONG)).when(versions.choose_song, **{**CHOOSE, "song": ASSET}).then(
        chosen(ASSET)
    )


def test_what_was_said_is_undone_by_saying_what_was_before():
    back = {**CHOOSE, "song": None}
    given(*PAST).when(versions.choose_song, **back).then_nothing()
    given(*PAST, chosen(SONG)).when(versions.choose_song, **back).then(chosen(None))


def test_the_current_version_is_said_anew_each_time():
    given(*PAST).when(versions.choose_current, **CURRENT).then(current(True))
    given(*PAST, current(True)).when(versions.choose_current, **CURRENT).then(current(True))
    earlier = {**CURRENT, "current": False}
    given(*PAST).when(versions.choose_current, **earlier).then(current(False))


@pytest.mark.parametrize(
    ("past", "refusal"),
    [
        ((), NotFound("The asset")),
        ((uploaded,), AssetNotReady("uploaded")),
        ((uploaded, rejected), AssetNotReady("rejected")),
        ((*PAST, trashed), AssetInTrash()),
        ((*PAST, deleted), NotFound("The asset")),
    ],
)
def test_only_a_track_that_plays_is_a_version(past: Sequence[Any], refusal: Exception):
    given(*past).when(versions.choose_song, **CHOOSE).then_refused(refusal)
    given(*past).when(versions.choose_current, **CURRENT).then_refused(refusal)


@pytest.mark.parametrize(
    ("title", "song", "kind"),
    [
        ("Night Bus", "night bus", None),
        ("Night Bus (final v2)", "night bus", None),
        ("night_bus - instrumental", "night bus", "instrumental"),
        ("Night Bus (Instrumental) [2024 Remaster]", "night bus", "instrumental"),
        ("Night Bus Mastered", "night bus", "master"),
        ("Night Bus (premaster)", "night bus", None),
        ("Master of Puppets", "master of puppets", None),
        ("Live Wire", "live wire", None),
        ("Intro (demo 3)", None, "demo"),
        ("Track 07", None, None),
        ("", None, None),
    ],
)
def test_a_title_says_the_song_and_the_version(title: str, song: str | None, kind: str | None):
    assert (song_of(title), kind_of(title)) == (song, kind)


def test_a_title_of_nothing_but_such_words_stays():
    assert base_title("Demo 3") == "demo 3"


def test_the_view_keeps_what_the_title_and_the_musician_say():
    said = (*PAST, chosen(SONG), current(True))
    seen = projection(Vault()).given(*said)
    seen.then_rows({ASSET: {"chosen_song": SONG, "current_since": len(said)}})
    undone = projection(Vault()).given(*said, chosen(None), current(False))
    undone.then_rows({ASSET: {"chosen_song": None, "current_since": None}})
    gone = projection(Vault()).given(*said, deleted)
    names = ("song_title", "song_file", "song_artist", "kind_title", "kind_file")
    gone.then_rows({ASSET: {**dict.fromkeys(names), "chosen_song": None, "current_since": None}})


@settings(max_examples=60, deadline=None)
@examples(said=st.lists(st.sampled_from((None, SONG, ASSET)), max_size=6), title=st.text())
def test_no_title_undoes_what_the_musician_said(said: list[str | None], title: str):
    edited = example_of("asset.tags_edited", 3)
    retitled = edited.model_copy(
        update={"changed": ("title",), "tags": edited.tags.model_copy(update={"title": title})}
    )
    past = (*PAST, *map(chosen, said), retitled)
    projection(Vault()).given(*past).then_rows({ASSET: {"chosen_song": said[-1] if said else None}})
