"""Songs on a real Postgres: which tracks are folded into one row, and what the musician says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as examples
from hypothesis import strategies as st
from starlette.testclient import TestClient

from aggregates.vault import asset, versions
from events.ids import AccountId, AssetId
from kit.caller import Caller
from read_api.errors import NotVisible
from read_api.vault.asset_filters import AssetFilters
from schemas.vault.found import AssetPage, SongDto
from tests.integration.http.app import Installation, upload
from tests.integration.http.tenants import Installation as Tenants
from tests.integration.library import Library
from tests.integration.vault.test_assets import verify
from tests.integration.vault.test_sharing import at, grant


def folded(library: Library, caller: Caller, **asked: Any) -> AssetPage:
    library.settle()
    return library.assets.list(caller, AssetFilters(versions="folded", **asked))


def choose(library: Library, caller: Caller, asset_id: str, song: str | None) -> None:
    account = AccountId(caller.account_id)
    library.change(caller, AssetId(asset_id), versions.choose_song, chosen_by=account, song=song)


def make_current(library: Library, caller: Caller, asset_id: str) -> None:
    account = AccountId(caller.account_id)
    library.change(
        caller, AssetId(asset_id), versions.choose_current, chosen_by=account, current=True
    )


def song_of(library: Library, caller: Caller, asset_id: str) -> SongDto:
    library.settle()
    return library.assets.versions(caller, asset_id)


def test_versions_are_folded_into_the_row_of_the_newest_master(library: Library):
    caller = library.caller()
    rough = library.add(caller, "Night Bus (rough mix)", artist="Ada")
    master = library.add(caller, "Night Bus", artist="ADA", filename="night_bus_master.wav")
    voiceless = library.add(caller, "night bus - instrumental", artist="Ada")
    other = library.add(caller, "Night Bus", artist="Zoë")
    page = folded(library, caller)
    assert [each.id for each in page.data] == [other, master]
    song = page.data[1].versions
    assert song is not None
    assert song.hit is None
    assert [(each.id, each.relation) for each in song.versions] == [
        (master, "Current version"),
        (rough, "Demo of"),
        (voiceless, "Instrumental of"),
    ]
    plain = library.assets.list(caller, AssetFilters())
    assert [each.id for each in plain.data] == [other, voiceless, master, rough]
    assert plain.data[0].versions is None


def test_a_song_is_found_by_an_earlier_version_which_is_named(library: Library):
    caller = library.caller()
    first = library.add(caller, "Tidewater (demo)", tempo_bpm=90.0, album="Basement")
    newest = library.add(caller, "Tidewater", tempo_bpm=91.0)
    for asked in ({"q": "basement"}, {"tempo_max": 90}, {"q": "tidewater demo"}):
        (row,) = folded(library, caller, **asked).data
        assert row.versions is not None
        assert row.versions.hit is not None
        assert (row.id, row.versions.hit.id) == (newest, first)
    (row,) = folded(library, caller, q="tidewater", tempo_min=91).data
    assert row.versions is not None
    assert row.versions.hit is None


def test_a_version_without_a_title_is_called_as_its_row_is(library: Library):
    """It was called by its whole file name, beside a row with the title that is read in it."""
    caller = library.caller()
    untagged = library.upload(caller, "Ona - Night_Bus (92bpm F#m).wav")
    library.verify(caller, untagged)
    (version,) = song_of(library, caller, untagged).versions
    assert version.title == "Night Bus"


def test_pages_hold_each_song_once_in_every_order(library: Library):
    caller = library.caller()
    for number in range(6):
        for version in ("", " (demo)", " (live)"):
            library.add(caller, f"Number {'abcdef'[number]}{version}", tempo_bpm=100.0 + number)
    every = {each.id for each in folded(library, caller).data}
    assert len(every) == 6
    for asked in ({}, {"q": "number"}, {"tempo_min": 1, "sort": "-tempo"}, {"sort": "title"}):
        seen, cursor = [], None
        for _ in range(3):
            page = folded(library, caller, limit=2, cursor=cursor, **asked)
            seen += [each.id for each in page.data]
            cursor = page.next_cursor
        assert cursor is None
        assert sorted(seen) == sorted(every), asked


def test_the_musicians_word_holds_until_it_is_undone(library: Library):
    caller = library.caller()
    one = library.add(caller, "Harbour")
    two = library.add(caller, "Harbour (v2)")
    choose(library, caller, one, one)
    assert song_of(library, caller, one).count == 1
    library.edit(caller, one, title="Harbour (v3)")
    assert song_of(library, caller, one).count == 1
    choose(library, caller, one, song_of(library, caller, two).song)
    assert [each.id for each in song_of(library, caller, one).versions] == [two, one]
    make_current(library, caller, one)
    assert [each.id for each in song_of(library, caller, two).versions] == [one, two]
    library.delete(caller, one)
    (left,) = song_of(library, caller, two).versions
    assert (left.id, left.current) == (two, True)


def test_what_is_in_the_trash_is_no_version_until_it_is_taken_out(library: Library):
    caller = library.caller()
    account = AccountId(caller.account_id)
    kept, lost = library.add(caller, "Ferry"), library.add(caller, "Ferry (master)")
    library.change(
        caller, lost, asset.trash, trashed_by=account, now=library.commands.log.clock.now()
    )
    assert [each.id for each in folded(library, caller).data] == [kept]
    library.change(caller, lost, asset.restore, restored_by=account)
    assert [each.id for each in folded(library, caller).data] == [lost]


TITLES = ("Quay", "Quay (master)", "Quay (demo)", "Pier", "Track 2")
STEPS = st.lists(
    st.tuples(st.sampled_from(("title", "join", "alone", "found", "current")), st.integers(0, 99)),
    max_size=6,
)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@examples(steps=STEPS)
def test_every_track_is_in_one_song_and_every_song_has_one_current_version(
    library: Library, steps: list[tuple[str, int]]
):
    caller = library.caller()
    ids = [library.add(caller, title) for title in TITLES]
    said: dict[str, str | None] = {}
    for what, number in steps:
        one, other = ids[number % 5], ids[number // 5 % 5]
        match what:
            case "title":
                library.edit(caller, one, title=TITLES[number % 3])
            case "join" if one != other:
                said[one] = said[other] = song_of(library, caller, other).song
                choose_all(library, caller, {one: said[one], other: said[other]})
            case "alone" | "found":
                said[one] = one if what == "alone" else None
                choose_all(library, caller, {one: said[one]})
            case "current":
                make_current(library, caller, one)
    songs = {each: song_of(library, caller, each) for each in ids}
    rows = [each.id for each in folded(library, caller).data]
    for each, song in songs.items():
        members = [version.id for version in song.versions]
        assert each in members
        assert all(songs[member] == song for member in members)
        assert [version.current for version in song.versions] == [True] + [False] * (song.count - 1)
        assert said.get(each) in (None, song.song)
    assert sorted(rows) == sorted({song.versions[0].id for song in songs.values()})


def choose_all(library: Library, caller: Caller, songs: dict[str, str | None]) -> None:
    """Only what differs makes an event."""
    for each, song in songs.items():
        state = library.commands.load(asset, AssetId(each)).state
        assert state is not None
        if state.song != song:
            choose(library, caller, each, song)


def test_versions_of_another_workspace_are_nobodys(library: Library):
    owner, stranger = library.caller(), library.caller()
    mine = library.add(owner, "Lantern", artist="Ada")
    theirs = library.add(stranger, "Lantern", artist="Ada")
    assert song_of(library, owner, mine).count == 1
    with pytest.raises(NotVisible):
        library.assets.versions(owner, theirs)


def two_verified(installation: Installation, musician: TestClient) -> list[dict[str, Any]]:
    named = []
    for data in (b"first of two", b"second of two"):
        asset_id = upload(musician, data).json()["id"]
        verify(installation, musician, asset_id)
        named.append({"id": asset_id, "version": 2})
    return named


def test_songs_are_chosen_and_undone_by_what_is_answered(
    installation: Installation, musician: TestClient
):
    one, two = two_verified(installation, musician)
    told = {"assets": [{**each, "song": "lantern"} for each in (one, two)]}
    headers = {"Idempotency-Key": "songs"}
    answer = musician.post("/api/songs", json=told, headers=headers)
    assert [each["version"] for each in answer.json()["assets"]] == [3, 3]
    again = musician.post("/api/songs", json=told, headers=headers)
    assert (again.json()["undo"], again.headers["Idempotent-Replayed"]) == (None, "true")
    undo = answer.json()["undo"]
    assert [each["song"] for each in undo["assets"]] == [None, None]
    undone = musician.post("/api/songs", json=undo).json()
    assert [each["song"] for each in undone["undo"]["assets"]] == ["lantern", "lantern"]
    assert installation.types().count("asset.song_chosen") == 4


def test_of_two_who_choose_the_current_version_at_once_one_is_refused(
    installation: Installation, musician: TestClient
):
    one, two = two_verified(installation, musician)
    told = {"asset": one, "instead_of": two}
    done = musician.post("/api/songs/current", json=told)
    refused = musician.post("/api/songs/current", json={"asset": one, "instead_of": two})
    assert (refused.status_code, refused.json()["code"]) == (409, "some-assets-refuse")
    assert {each["code"] for each in refused.json()["assets"]} == {"version-mismatch"}
    assert installation.types().count("asset.current_chosen") == 2
    assert musician.post("/api/songs/current", json=done.json()["undo"]).status_code == 200
    assert musician.post("/api/songs/current", json={**told, "instead_of": one}).status_code == 422


def test_only_own_tracks_that_play_are_put_together(
    installation: Installation, musician: TestClient
):
    (one, _), stranger = two_verified(installation, musician), installation.signed_up()
    foreign = stranger.post("/api/songs", json={"assets": [{**one, "song": "x"}]})
    assert foreign.json()["assets"] == [{"id": one["id"], "code": "not-found"}]
    waiting = {"id": upload(musician, b"not looked at").json()["id"], "version": 1}
    told = {"assets": [{**one, "song": "x"}, {**waiting, "song": "x"}]}
    answer = musician.post("/api/songs", json=told)
    assert answer.json()["assets"] == [{"id": waiting["id"], "code": "asset-not-ready"}]
    assert "asset.song_chosen" not in installation.types()


def test_people_it_is_shared_with_learn_nothing_of_other_versions(tenants: Tenants):
    tenants.forget_limits()
    owner, guest = tenants.person(), tenants.person()
    owner.asset = owner.new_asset()
    tenants.settle()
    shared = str(grant(owner, guest, "edit").headers["Event-Position"])
    url = f"/api/assets/{owner.asset}"
    version = owner.client.get(url, headers=at(shared)).json()["version"]
    named = {"id": owner.asset, "version": version, "song": "lantern"}
    answer = owner.client.post("/api/songs", json={"assets": [named]})
    seen = at(answer.headers["Event-Position"])
    assert owner.client.get(url, headers=seen).json()["chosen_song"] == "lantern"
    assert guest.client.get(url, headers=seen).json()["chosen_song"] is None
    assert guest.client.get(f"{url}/versions", headers=seen).status_code == 403
    told = [
        {each["type"] for each in who.client.get(f"{url}/events", headers=seen).json()["data"]}
        for who in (owner, guest)
    ]
    assert told[0] - told[1] >= {"asset.song_chosen"}
    assert "asset.shared" in told[1]
