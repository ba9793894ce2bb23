"""Rules of one asset."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from aggregates.errors import AlreadyExists, NotFound
from aggregates.vault import asset
from aggregates.vault.asset import AssetNotReady, content_claim
from events.vault.asset import (
    AssetDeleted,
    AssetFileRewritten,
    AssetProbeRequested,
    AssetRejected,
    AssetTagsEdited,
    AssetUploaded,
    AssetVerified,
)
from events.vault.audio import Tags
from schemas.examples import ACCOUNT, WORKSPACE
from schemas.vault.examples import ASSET, COVER, FACTS, FILENAME, SHA256, TAGS
from tests.specification import given

OF_ASSET: dict[str, Any] = {"asset_id": ASSET, "workspace_id": WORKSPACE}
FILE: dict[str, Any] = {"sha256": SHA256}
UPLOAD: dict[str, Any] = {
    **OF_ASSET,
    **FILE,
    "filename": FILENAME,
    "uploaded_by": ACCOUNT,
    "size_bytes": 24,
}
PROBED: dict[str, Any] = {"tags": TAGS, "audio": FACTS, "cover": COVER}

uploaded = AssetUploaded(**UPLOAD)
verified = AssetVerified(**OF_ASSET, **FILE, owner_id=ACCOUNT, **PROBED)
rejected = AssetRejected(**OF_ASSET, code="no-audio", reason="There is no sound in it.")
deleted = AssetDeleted(**OF_ASSET, deleted_by=ACCOUNT, sha256=SHA256)


def edited(*changed: str, **tags: Any) -> AssetTagsEdited:
    return AssetTagsEdited(
        **OF_ASSET, owner_id=ACCOUNT, edited_by=ACCOUNT, changed=changed, tags=Tags(**tags)
    )


def edit(**changes: Any) -> dict[str, Any]:
    return {"asset_id": ASSET, "edited_by": ACCOUNT, "changes": changes}


def test_an_upload_takes_its_content_so_that_a_workspace_holds_the_same_bytes_once():
    given().when(asset.upload, **UPLOAD).then(uploaded).taking(content_claim(SHA256))
    assert content_claim(SHA256).scope == "workspace"


def test_an_asset_is_uploaded_once():
    given(uploaded).when(asset.upload, **UPLOAD).then_refused(AlreadyExists)


def test_an_upload_without_bytes_cannot_be_said():
    with pytest.raises(ValidationError):
        given().when(asset.upload, **{**UPLOAD, "size_bytes": 0})


def test_a_file_that_decodes_is_verified_with_what_it_says_of_itself():
    given(uploaded).when(asset.verify, asset_id=ASSET, **PROBED).then(verified)


def test_a_file_that_browsers_cannot_play_is_verified_with_its_rendition_or_without():
    copy = COVER.model_copy(update={"media_type": "audio/mpeg"})
    for found in ({"playable": False, "rendition": copy}, {"playable": False}, {"playable": True}):
        told = AssetVerified(**OF_ASSET, **FILE, owner_id=ACCOUNT, **PROBED, **found)
        given(uploaded).when(asset.verify, asset_id=ASSET, **PROBED, **found).then(told)


def test_a_file_that_is_no_recording_is_rejected_and_keeps_its_content_claim():
    """The same bytes get the same answer: uploading them again is a duplicate, not a new try."""
    given(uploaded).when(
        asset.reject, asset_id=ASSET, code=rejected.code, reason=rejected.reason
    ).then(rejected).releasing()


@pytest.mark.parametrize("decided", [verified, rejected])
def test_the_first_answer_about_a_file_counts(decided: AssetVerified | AssetRejected):
    decided_file = given(uploaded, decided)
    decided_file.when(asset.verify, asset_id=ASSET, **PROBED).then_nothing()
    decided_file.when(asset.reject, asset_id=ASSET, code="x", reason="y").then_nothing()
    decided_file.when(asset.request_probe, asset_id=ASSET).then_nothing()


def test_each_request_for_another_look_counts_on():
    second = AssetProbeRequested(**OF_ASSET, **FILE, attempt=2)
    third = AssetProbeRequested(**OF_ASSET, **FILE, attempt=3)
    given(uploaded).when(asset.request_probe, asset_id=ASSET).then(second)
    given(uploaded, second).when(asset.request_probe, asset_id=ASSET).then(third)


@pytest.mark.parametrize(
    ("past", "state"), [((uploaded,), "uploaded"), ((uploaded, rejected), "rejected")]
)
def test_tags_are_edited_only_on_a_verified_file(past: tuple[Any, ...], state: str):
    given(*past).when(asset.edit_tags, **edit(title="x")).then_refused(AssetNotReady(state))


def test_an_edit_names_only_what_it_changes():
    given(uploaded, verified).when(asset.edit_tags, **edit(title="Night Bus II")).then(
        edited("title", title="Night Bus II")
    )


def test_null_clears_a_tag():
    given(uploaded, verified).when(asset.edit_tags, **edit(album=None)).then(edited("album"))


def test_saying_the_same_again_changes_nothing():
    past = given(uploaded, verified, edited("album", "title", title="One"))
    past.when(asset.edit_tags, **edit(title="One")).then_nothing()
    past.when(asset.edit_tags, **edit(album=None)).then_nothing()
    past.when(asset.edit_tags, **edit()).then_nothing()


def test_of_an_edit_only_the_new_is_said_again():
    given(uploaded, verified, edited("title", title="One")).when(
        asset.edit_tags, **edit(title="One", year=1999)
    ).then(edited("year", year=1999))


def test_repeating_what_the_file_says_is_still_the_musicians_word():
    """It must stay when a better reader finds other tags in the file."""
    given(uploaded, verified).when(asset.edit_tags, **edit(title=TAGS.title)).then(
        edited("title", title=TAGS.title)
    )


def test_a_tag_that_no_recording_can_have_cannot_be_said():
    for impossible in ({"year": 20245}, {"key": "H minor"}, {"tempo_bpm": 0}, {"isrc": "x"}):
        with pytest.raises(ValidationError):
            given(uploaded, verified).when(asset.edit_tags, **edit(**impossible))


@pytest.mark.parametrize("past", [(uploaded,), (uploaded, verified), (uploaded, rejected)])
def test_a_deleted_asset_lets_its_content_go(past: tuple[Any, ...]):
    given(*past).when(asset.delete, asset_id=ASSET, deleted_by=ACCOUNT).then(deleted).releasing(
        content_claim(SHA256)
    )


@pytest.mark.parametrize("past", [(), (uploaded, verified, deleted)])
def test_what_does_not_exist_any_more_takes_no_change(past: tuple[Any, ...]):
    nothing_there = given(*past)
    for rule, arguments in (
        (asset.request_probe, {"asset_id": ASSET}),
        (asset.verify, {"asset_id": ASSET, **PROBED}),
        (asset.reject, {"asset_id": ASSET, "code": "x", "reason": "y"}),
        (asset.edit_tags, edit(title="x")),
        (asset.delete, {"asset_id": ASSET, "deleted_by": ACCOUNT}),
    ):
        nothing_there.when(rule, **arguments).then_refused(NotFound)


def test_events_of_other_streams_change_no_asset():
    state = asset.evolve(None, uploaded)
    assert asset.evolve(state, _other()) == state
    assert asset.evolve(None, verified) is None


def _other() -> Any:
    from events.account.account import PasswordChanged

    return PasswordChanged(account_id=ACCOUNT)


NEW_SHA256 = "7e" * 32
REWRITE: dict[str, Any] = {
    "asset_id": ASSET,
    "rewritten_by": ACCOUNT,
    "sha256": NEW_SHA256,
    "size_bytes": 30,
    "written": ("genre",),
    "left_out": (),
    "tags": Tags(genre="Dub"),
}
rewritten = AssetFileRewritten(
    **OF_ASSET,
    **{name: value for name, value in REWRITE.items() if name != "asset_id"},
    previous_sha256=SHA256,
    original_sha256=SHA256,
    original_size_bytes=24,
)


def test_a_file_with_other_tags_is_a_new_version_that_holds_its_content_too():
    given(uploaded, verified, edited("genre", genre="Dub")).when(
        asset.rewrite_file, **REWRITE
    ).then(rewritten).taking(content_claim(NEW_SHA256))


def test_the_same_bytes_again_are_no_new_version():
    given(uploaded, verified).when(
        asset.rewrite_file, **{**REWRITE, "sha256": SHA256}
    ).then_nothing()


def test_a_version_that_comes_back_is_held_already_and_the_first_stays_the_original():
    back = {**REWRITE, "sha256": SHA256, "size_bytes": 24}
    told = rewritten.model_copy(
        update={"sha256": SHA256, "size_bytes": 24, "previous_sha256": NEW_SHA256}
    )
    given(uploaded, verified, rewritten).when(asset.rewrite_file, **back).then(told).taking()


def test_a_file_that_nobody_looked_into_is_not_rewritten():
    given(uploaded).when(asset.rewrite_file, **REWRITE).then_refused(AssetNotReady("uploaded"))


def test_a_deleted_asset_lets_go_of_every_version():
    told = deleted.model_copy(update={"sha256": NEW_SHA256})
    given(uploaded, verified, rewritten).when(
        asset.delete, asset_id=ASSET, deleted_by=ACCOUNT
    ).then(told).releasing(content_claim(NEW_SHA256), content_claim(SHA256))


def test_only_what_the_file_does_not_say_is_written_into_it():
    state = None
    for event in (
        uploaded,
        verified,
        edited("artist", "energy", "title", artist=TAGS.artist, title="Else", energy=0.4),
        edited("genre"),
    ):
        state = asset.evolve(state, event)
    assert state is not None
    assert asset.tags_to_write(state) == {"genre": None, "title": "Else"}


named = AssetVerified(
    **OF_ASSET,
    **FILE,
    owner_id=ACCOUNT,
    audio=FACTS,
    cover=None,
    tags=Tags(artist="Ada, Ben", artists=("Ada", "Ben"), genre="Dub", title="T"),
)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"artist": "Cleo"}, {"artist": "Cleo", "artists": None}),
        ({"artist": None}, {"artist": None, "artists": None}),
        ({"artists": ("Ada", "Cleo")}, {"artist": "Ada, Cleo", "artists": ("Ada", "Cleo")}),
        ({"artists": ("Cleo",)}, {"artist": "Cleo", "artists": None}),
        ({"artists": ()}, {"artist": None, "artists": None}),
        ({"artists": None}, {"artists": None}),
        (
            {"artist": "Ada & Cleo", "artists": ("Ada", "Cleo")},
            {"artist": "Ada & Cleo", "artists": ("Ada", "Cleo")},
        ),
        (
            {"artist": "somebody else", "artists": ("Ada", "Cleo")},
            {"artist": "Ada, Cleo", "artists": ("Ada", "Cleo")},
        ),
        ({"genres": ("Dub", "House")}, {"genre": "Dub, House", "genres": ("Dub", "House")}),
        ({"genre": "House"}, {"genre": "House"}),
        ({"genres": ("House",)}, {"genre": "House"}),
        ({"title": "New"}, {"title": "New"}),
    ],
)
def test_several_names_and_the_text_that_shows_them_never_contradict(
    changes: dict[str, Any], said: dict[str, Any]
) -> None:
    """`changed` names what follows from an edit as well, and nothing that stays as it is."""
    told = edited(*sorted(said), **said)
    given(uploaded, named).when(asset.edit_tags, **edit(**changes)).then(told)


def test_saying_the_same_artist_again_keeps_the_names_in_it() -> None:
    given(uploaded, named).when(asset.edit_tags, **edit(artist="Ada, Ben")).then(
        edited("artist", artist="Ada, Ben")
    )


def test_names_are_written_into_the_file_as_well() -> None:
    state = asset.Asset(WORKSPACE, SHA256, ACCOUNT, "verified", said=named.tags)
    said = {"artist": "Ada, Cleo", "artists": ("Ada", "Cleo")}
    state = asset.evolve(state, edited(*said, **said))
    assert state is not None
    assert asset.tags_to_write(state) == said
