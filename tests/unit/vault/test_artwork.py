"""Rules of a picture that was chosen for a track, and the view of it."""

from __future__ import annotations

from typing import Any

from aggregates.vault import asset
from aggregates.vault.asset import Artwork, AssetInTrash
from events.vault.asset import AssetArtworkRemoved, AssetArtworkSet
from events.vault.audio import Blob
from projections.vault.vault import Vault
from schemas.examples import ACCOUNT, WORKSPACE, example_of
from schemas.vault.examples import ASSET, COVER
from tests.specification import given, projection

uploaded, verified = example_of("asset.uploaded", 2), example_of("asset.verified", 3)
trashed, deleted = example_of("asset.trashed", 1), example_of("asset.deleted", 1)
SMALL = Blob(sha256="5" * 64, size_bytes=9, media_type="image/jpeg")
removed = AssetArtworkRemoved(asset_id=ASSET, workspace_id=WORKSPACE, removed_by=ACCOUNT)
REMOVE = {"asset_id": ASSET, "removed_by": ACCOUNT}
UNDO = {"asset_id": ASSET, "undone_by": ACCOUNT}


def artwork(name: str) -> Artwork:
    picture = Blob(sha256=name * 64, size_bytes=99, media_type="image/jpeg")
    return Artwork(picture, SMALL, 1500, 1000)


def chosen(name: str) -> AssetArtworkSet:
    made = artwork(name)
    return AssetArtworkSet(
        asset_id=ASSET,
        workspace_id=WORKSPACE,
        set_by=ACCOUNT,
        picture=made.picture,
        small=made.small,
        width=made.width,
        height=made.height,
    )


def choose(name: str) -> dict[str, Any]:
    return {"asset_id": ASSET, "set_by": ACCOUNT, "artwork": artwork(name)}


def test_a_picture_is_chosen_once_and_removed_once():
    given(uploaded).when(asset.set_artwork, **choose("a")).then(chosen("a"))
    given(uploaded, chosen("a")).when(asset.set_artwork, **choose("a")).then_nothing()
    given(uploaded, chosen("a")).when(asset.remove_artwork, **REMOVE).then(removed)
    given(uploaded).when(asset.remove_artwork, **REMOVE).then_nothing()


def test_the_newest_change_is_taken_back_and_made_again():
    given(uploaded).when(asset.undo_artwork, **UNDO).then_nothing()
    given(uploaded, chosen("a")).when(asset.undo_artwork, **UNDO).then(removed)
    given(uploaded, chosen("a"), removed).when(asset.undo_artwork, **UNDO).then(chosen("a"))
    two = (uploaded, chosen("a"), chosen("b"))
    given(*two).when(asset.undo_artwork, **UNDO).then(chosen("a"))
    given(*two, chosen("a")).when(asset.undo_artwork, **UNDO).then(chosen("b"))


def test_nothing_in_the_trash_gets_another_picture():
    past = (uploaded, chosen("a"), trashed)
    given(*past).when(asset.set_artwork, **choose("b")).then_refused(AssetInTrash())
    given(*past).when(asset.remove_artwork, **REMOVE).then_refused(AssetInTrash())
    given(*past).when(asset.undo_artwork, **UNDO).then_refused(AssetInTrash())


def test_the_view_keeps_the_picture_of_the_file_beside_the_chosen_one():
    both = (uploaded, verified, chosen("a"))
    projection(Vault()).given(*both).then_row(
        ASSET,
        artwork_sha256="a" * 64,
        artwork_small_sha256=SMALL.sha256,
        file_cover_sha256=COVER.sha256,
    )
    projection(Vault()).given(*both, removed).then_row(ASSET, artwork_sha256=None)
    gone = projection(Vault()).given(*both, deleted)
    gone.then_row(ASSET, artwork_sha256=None, artwork_small_sha256=None, file_cover_sha256=None)
