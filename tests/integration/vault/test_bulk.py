"""Many recordings at once: all or none, with what takes it back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.testclient import TestClient

from aggregates.vault import asset
from commands.unit import Unit
from events.ids import AccountId, AssetId
from tests.integration.http.app import Installation, upload
from tests.integration.vault.test_assets import in_worker, verify

EDITS, DELETIONS = "/api/assets/edits", "/api/assets/deletions"


@pytest.fixture
def three(installation: Installation, musician: TestClient) -> list[dict]:
    """Verified, at version 2."""
    named = []
    for number in range(3):
        asset_id = upload(musician, b"bytes %d" % number, f"{number}.wav").json()["id"]
        verify(installation, musician, asset_id)
        named.append({"id": asset_id, "version": 2})
    return named


def edited(installation: Installation) -> list[dict]:
    """What was said by edits, in the log's order."""
    return [
        {name: getattr(event.data.tags, name) for name in event.data.changed}
        for event in installation.events()
        if event.type == "asset.tags_edited"
    ]


def test_all_are_edited_in_one_append_and_undone_in_another(
    installation: Installation, musician: TestClient, three: list[dict]
) -> None:
    own = [{**three[0], "changes": {"genre": "Dub"}}, *three[1:]]
    first = musician.post(EDITS, json={"assets": own, "changes": {"album": "Night", "key": "8A"}})
    assert first.status_code == 200, first.text
    assert [each["version"] for each in first.json()["assets"]] == [3, 3, 3]
    said = {"album": "Night", "key": "A minor"}
    assert edited(installation) == [said | {"genre": "Dub"}, said, said]
    commands = {e.envelope.command_id for e in installation.events()[-3:]}
    assert len(commands) == 1

    second = musician.post(EDITS, json={"assets": three_at(three, 3), "changes": {"album": "Day"}})
    undo = second.json()["undo"]
    assert [each["changes"] for each in undo["assets"]] == [{"album": "Night"}] * 3
    undone = musician.post(EDITS, json=undo)
    assert [each["version"] for each in undone.json()["assets"]] == [5, 5, 5]
    assert edited(installation)[-3:] == [{"album": "Night"}] * 3
    # And the undo can be undone.
    assert [e["changes"] for e in undone.json()["undo"]["assets"]] == [{"album": "Day"}] * 3


def test_undoing_another_artist_gives_back_the_names_that_were_in_the_first(
    installation: Installation, musician: TestClient, three: list[dict]
) -> None:
    first = musician.post(EDITS, json={"changes": {"artists": ["Ona", "Ib"]}, "assets": three})
    now = first.json()["assets"]
    second = musician.post(EDITS, json={"changes": {"artist": "Kofi"}, "assets": now})
    undo = second.json()["undo"]
    before = {"artist": "Ona, Ib", "artists": ["Ona", "Ib"]}
    assert [each["changes"] for each in undo["assets"]] == [before] * 3
    musician.post(EDITS, json=undo)
    told = installation.events()[-1].data
    assert (told.changed, told.tags.artists) == (("artist", "artists"), ("Ona", "Ib"))


def three_at(three: list[dict], version: int) -> list[dict]:
    return [{"id": each["id"], "version": version} for each in three]


def test_one_that_cannot_be_changed_stops_all_and_is_named(
    installation: Installation, musician: TestClient, three: list[dict]
) -> None:
    unverified = upload(musician, b"not looked into").json()["id"]
    theirs = upload(installation.signed_up(), b"another's").json()["id"]
    musician.patch(
        f"/api/assets/{three[1]['id']}", json={"title": "Faster"}, headers={"If-Match": '"v2"'}
    )
    before = len(installation.types())
    others = [{"id": unverified, "version": 1}, {"id": theirs, "version": 1}]
    absent = {"id": "ast_" + "0" * 32, "version": 1}
    body = {"assets": [*three, *others, absent], "changes": {"genre": "Dub"}}
    refused = musician.post(EDITS, json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "some-assets-refuse")
    assert refused.json()["assets"] == [
        {"id": three[1]["id"], "code": "version-mismatch", "current_version": 3},
        {"id": unverified, "code": "asset-not-ready"},
        {"id": theirs, "code": "not-found"},
        {"id": absent["id"], "code": "not-found"},
    ]
    assert musician.post(DELETIONS, json={"assets": [*three, absent]}).status_code == 409
    assert len(installation.types()) == before


def test_of_two_who_edit_the_same_at_once_one_is_told_who_lost(
    installation: Installation, musician: TestClient, three: list[dict]
) -> None:
    def edit(genre: str):
        return musician.post(EDITS, json={"assets": three, "changes": {"genre": genre}})

    with ThreadPoolExecutor(2) as threads:
        answers = sorted(threads.map(edit, ("Dub", "House")), key=lambda a: a.status_code)
    assert [answer.status_code for answer in answers] == [200, 409]
    assert [each["current_version"] for each in answers[1].json()["assets"]] == [3, 3, 3]


def test_deleting_is_all_or_none_too_and_a_repeated_request_is_answered_again(
    installation: Installation, musician: TestClient, three: list[dict]
) -> None:
    key = {"Idempotency-Key": "once"}
    first = musician.post(DELETIONS, json={"assets": three}, headers=key)
    again = musician.post(DELETIONS, json={"assets": three}, headers=key)
    assert (first.status_code, again.status_code) == (204, 204)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert installation.types().count("asset.deleted") == 3
    assert upload(musician, b"bytes 0").json()["duplicate"] is False


def test_saying_the_same_again_changes_nothing_and_needs_no_undo(
    musician: TestClient, three: list[dict]
) -> None:
    body = {"assets": three, "changes": {"genre": "Dub"}}
    assert musician.post(EDITS, json=body).status_code == 200
    again = musician.post(EDITS, json={**body, "assets": three_at(three, 3)})
    assert again.json()["undo"] is None
    assert [each["version"] for each in again.json()["assets"]] == [3, 3, 3]


def test_who_deletes_is_told_only_of_those_that_others_changed_meanwhile(
    installation: Installation,
    musician: TestClient,
    three: list[dict],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Regression: a file that was not looked into yet was named too, though it can be deleted."""
    unverified = {"id": upload(musician, b"not looked into").json()["id"], "version": 1}
    path = f"/api/assets/{three[0]['id']}"

    def faster(self: Unit, *arguments: Any, **said: Any) -> None:
        monkeypatch.undo()
        musician.patch(path, json={"title": "Faster"}, headers={"If-Match": '"v2"'})
        self.change_at(*arguments, **said)

    monkeypatch.setattr(Unit, "change_at", faster)
    refused = musician.post(DELETIONS, json={"assets": [three[0], unverified]})
    assert refused.json()["assets"] == [
        {"id": three[0]["id"], "code": "version-mismatch", "current_version": 3}
    ]


@pytest.mark.parametrize(
    "assets",
    [
        [],
        [{"id": "ast_" + "0" * 32, "version": 1}] * 2,
        [{"id": f"ast_{n:032}", "version": 1} for n in range(201)],
        [{"id": "ast_" + "0" * 32}],
    ],
    ids=["none", "twice", "too many", "no version"],
)
def test_a_list_that_makes_no_sense_is_refused(musician: TestClient, assets: list[dict]) -> None:
    assert musician.post(EDITS, json={"assets": assets}).status_code == 422
    assert musician.post(DELETIONS, json={"assets": assets}).status_code == 422


def test_all_that_lost_are_named_although_only_one_was_looked_at_since(
    installation: Installation, musician: TestClient, three: list[dict]
) -> None:
    """Regression: while another request's commit went into the cache, one of three was named."""
    for each in three:
        installation.commands.load(asset, AssetId(each["id"]), fresh=True)
    for each in three:
        unit = in_worker(installation, musician)
        unit.change(
            asset,
            AssetId(each["id"]),
            asset.edit_tags,
            edited_by=AccountId(musician.account["id"]),
            changes={"genre": "Dub"},
        )
        unit.commit()
    installation.commands.load(asset, AssetId(three[0]["id"]), fresh=True)
    answer = musician.post(EDITS, json={"assets": three, "changes": {"genre": "House"}})
    assert answer.status_code == 409
    assert [each["current_version"] for each in answer.json()["assets"]] == [3, 3, 3]
