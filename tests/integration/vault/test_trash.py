"""The trash over HTTP: in and out again, what is seen of it, and by whom."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.testclient import TestClient

from read_api.system import events_http
from tests.integration.http.app import Installation, upload
from tests.integration.http.tenants import Installation as Tenants
from tests.integration.http.tenants import Tenant
from tests.integration.vault.test_assets import verify
from tests.integration.vault.test_sharing import at, frames, grant, shared_with
from tests.integration.vault.test_uploads import create, patch

ANY = {"If-Match": "*"}


def put(client: TestClient, asset_id: str, **headers: str) -> Any:
    answer = client.post(f"/api/assets/{asset_id}/trash", headers={**ANY, **headers})
    assert answer.status_code == 200, answer.text
    return answer


def take_out(client: TestClient, asset_id: str, **headers: str) -> Any:
    answer = client.post(f"/api/assets/{asset_id}/restore", headers={**ANY, **headers})
    assert answer.status_code == 200, answer.text
    return answer


def test_two_who_trash_it_at_once_have_trashed_it(
    installation: Installation, musician: TestClient
) -> None:
    asset_id = upload(musician, b"twice").json()["id"]
    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(lambda _: put(musician, asset_id), range(2)))
    assert [each.json() for each in answers] == [{"id": asset_id, "version": 2}] * 2
    assert installation.types().count("asset.trashed") == 1


def test_a_change_names_the_version_that_it_is_of(
    installation: Installation, musician: TestClient
) -> None:
    asset_id = upload(musician, b"versions").json()["id"]
    url = f"/api/assets/{asset_id}"
    assert musician.post(f"{url}/trash").status_code == 428
    trashed = put(musician, asset_id, **{"If-Match": '"v1"', "Idempotency-Key": "once"})
    assert trashed.headers["ETag"] == '"v2"'
    stale = musician.post(f"{url}/restore", headers={"If-Match": '"v1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "version-mismatch")
    take_out(musician, asset_id, **{"If-Match": '"v2"'})
    again = put(musician, asset_id, **{"If-Match": '"v1"', "Idempotency-Key": "once"})
    assert again.headers["Idempotent-Replayed"] == "true"
    assert installation.types()[-1] == "asset.restored"


def test_what_is_in_the_trash_is_not_changed_but_may_be_deleted(
    installation: Installation, musician: TestClient
) -> None:
    asset_id = upload(musician, b"refusing").json()["id"]
    verify(installation, musician, asset_id)
    put(musician, asset_id)
    url = f"/api/assets/{asset_id}"
    somebody = installation.signed_up().account["id"]
    refused = [
        musician.patch(url, json={"title": "x"}, headers=ANY),
        musician.post(f"{url}/comments", json={"at_s": 1, "text": "x"}),
        musician.post(f"{url}/grants", json={"account_id": somebody, "right": "listen"}),
        musician.post(f"{url}/file", headers=ANY),
    ]
    assert [(each.status_code, each.json()["code"]) for each in refused] == [
        (409, "asset-in-trash")
    ] * len(refused)
    assert "take it out of the trash first" in refused[0].json()["detail"]
    edits = {"changes": {"title": "x"}, "assets": [{"id": asset_id, "version": 3}]}
    problem = musician.post("/api/assets/edits", json=edits).json()
    assert problem["assets"] == [{"id": asset_id, "code": "asset-in-trash"}]
    assert musician.delete(url, headers=ANY).status_code == 204
    assert upload(musician, b"refusing").json()["id"] != asset_id


def test_the_same_file_uploaded_again_takes_it_out_of_the_trash(
    installation: Installation, musician: TestClient
) -> None:
    data = b"dropped again"
    asset_id = upload(musician, data).json()["id"]
    put(musician, asset_id)
    key = {"Idempotency-Key": "again"}
    answer = upload(musician, data, **key)
    back = {"id": asset_id, "state": "uploaded", "duplicate": False}
    assert (answer.status_code, answer.json()) == (200, back)
    assert answer.headers["NoCulture-Restored"] == "true"
    assert installation.types()[-1] == "asset.restored"
    assert upload(musician, data).json() == {**back, "duplicate": True}
    repeated = upload(musician, data, **key)
    assert (repeated.status_code, repeated.json()) == (200, back)
    put(musician, asset_id)
    url = create(musician, size=len(data)).headers["Location"]
    arrived = patch(musician, url, 0, data)
    said = [arrived.headers.get(f"NoCulture-{name}") for name in ("Asset", "Restored", "Duplicate")]
    assert said == [asset_id, "true", None]
    assert installation.types().count("asset.uploaded") == 1


def test_many_are_trashed_and_taken_back_together(
    installation: Installation, musician: TestClient
) -> None:
    ids = [upload(musician, f"{number} of many".encode()).json()["id"] for number in range(3)]
    named = {"assets": [{"id": each, "version": 1} for each in ids]}
    trashed = musician.post("/api/assets/trash", json=named)
    assert trashed.json() == {"assets": [{"id": each, "version": 2} for each in ids]}
    late = musician.post("/api/assets/trash", json=named)
    assert (late.status_code, late.json()["code"]) == (409, "some-assets-refuse")
    back = musician.post("/api/assets/restore", json=trashed.json())
    assert back.json() == {"assets": [{"id": each, "version": 3} for each in ids]}
    assert installation.types().count("asset.restored") == 3


@pytest.fixture
def mira(tenants: Tenants) -> Tenant:
    tenants.forget_limits()
    person = tenants.person()
    person.asset = person.new_asset()
    return person


def listed(person: Tenant, position: str, **asked: str) -> list[str]:
    answer = person.client.get("/api/assets", params=asked, headers=at(position))
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["data"]]


def test_only_the_trash_shows_what_is_in_it(mira: Tenant, tenants: Tenants) -> None:
    other = mira.new_asset()
    mira.collection = mira.new_collection()
    tenants.settle()
    used = mira.client.get("/api/usage").json()["used_bytes"]
    position = put(mira.client, mira.asset).headers["Event-Position"]
    for asked in ({}, {"q": "Title"}, {"sort": "title"}, {"state": "analysed"}):
        assert listed(mira, position, **asked) == [other], asked
    assert listed(mira, position, trashed="true") == [mira.asset]
    assert mira.client.get("/api/assets?trashed=true&q=x").status_code == 422
    url = f"/api/assets/{mira.asset}"
    seen = mira.client.get(url).json()
    assert seen["version"] == 3
    assert seen["trashed_at"] < seen["trashed_until"]
    assert mira.client.get(f"/api/assets/{other}").json()["trashed_at"] is None
    assert mira.client.get(f"{url}/audio").status_code == 200
    similar = mira.client.get(f"/api/assets/{other}/similar", headers=at(position))
    assert similar.json()["data"] == []
    collection = mira.client.get(f"/api/collections/{mira.collection}").json()
    assert collection["count"] == 0
    assert mira.client.get("/api/usage").json()["used_bytes"] == used
    tenants.settle()
    exported = mira.client.get("/api/me/export").json()["assets"]
    assert [each["id"] for each in exported] == [other, mira.asset]
    position = take_out(mira.client, mira.asset).headers["Event-Position"]
    assert listed(mira, position, sort="uploaded_at") == [mira.asset, other]
    assert listed(mira, position, trashed="true") == []


def test_whoever_it_is_shared_with_loses_it_and_gets_it_back(
    mira: Tenant, tenants: Tenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_http, "LIFE_S", 0.0)
    ben = tenants.person()
    position = grant(mira, ben, "comment").headers["Event-Position"]
    urls = [f"/api/assets/{mira.asset}{part}" for part in ("", "/audio", "/events", "/comments")]
    assert [ben.client.get(url, headers=at(position)).status_code for url in urls] == [200] * 4
    position = put(mira.client, mira.asset).headers["Event-Position"]
    assert [ben.client.get(url, headers=at(position)).status_code for url in urls] == [404] * 4
    assert shared_with(ben, position) == []
    said = ben.client.post(urls[3], json={"at_s": 1, "text": "Gone?"})
    assert said.status_code == 404
    back = take_out(mira.client, mira.asset).headers["Event-Position"]
    assert [ben.client.get(url, headers=at(back)).status_code for url in urls] == [200] * 4
    assert [each["id"] for each in shared_with(ben, back)] == [mira.asset]
    tenants.settle()
    assert [e["type"] for e in frames(ben, position)] == ["asset.restored"]


def form(person: Tenant, path: str, action: str, **more: str) -> Any:
    """Sends the form of a page that leads to this address."""
    page = person.client.get(path)
    assert f'action="{action}"' in page.text, page.text
    token = re.search(r'name="csrf_token" value="([^"]*)"', page.text)
    assert token
    answer = person.client.post(action, data={"csrf_token": token[1], **more})
    assert answer.status_code == 200, answer.text
    return answer


def test_the_pages_move_a_track_to_the_trash_and_back_without_a_script(
    mira: Tenant, tenants: Tenants
) -> None:
    tenants.settle()
    name, url = f"Title of {mira.name}", f"/assets/{mira.asset}"
    mira.client.follow_redirects = True
    moved = form(mira, url, f"{url}/trash")
    assert f"Moved “{name}” to the trash." in moved.text
    assert "This track is in the trash." in mira.client.get(url).text
    trash = mira.client.get("/trash").text
    assert "30 days left" in trash
    back = form(mira, "/trash", f"{url}/restore", page="trash")
    assert (back.url.path, "The track is back in your vault" in back.text) == ("/trash", True)
    form(mira, url, f"{url}/trash")
    emptied = form(mira, "/trash", "/trash/empty")
    assert "The trash is empty" in emptied.text
    assert mira.client.get(url).status_code == 404
