"""Collections over HTTP, with the worker behind it: saved, counted, changed, forgotten."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from tests.fixtures.pictures import from_a_telephone
from tests.integration.account.erasure.house import eventually
from tests.integration.http.tenants import Installation, Tenant

ROW = re.compile(r'<li id="in-(ast_[0-9a-f]{32})"')


@pytest.fixture
def mira(tenants: Installation) -> Tenant:
    """Somebody new with one track."""
    tenants.forget_limits()
    person = tenants.person()
    person.asset = person.new_asset()
    return person


def made(person: Tenant, **body: Any) -> Any:
    answer = person.client.post("/api/collections", json={"name": "For Friday", **body})
    assert answer.status_code == 201, answer.text
    return answer


def read(person: Tenant, path: str, after: Any) -> Any:
    headers = {"Min-Position": after.headers["Event-Position"], "Prefer": "wait=10"}
    answer = person.client.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


def test_a_saved_search_counts_what_it_finds_now(tenants: Installation, mira: Tenant):
    answer = made(mira, kind="smart", query="tempo_max=125&q=in+A+minor")
    found = read(mira, answer.headers["Location"], answer)
    assert found.headers["ETag"] == answer.headers["ETag"]
    collection = found.json()
    assert collection["query"] == "q=in+A+minor&tempo_max=125"
    assert (collection["name"], collection["kind"]) == ("For Friday", "smart")
    tenants.settle()
    eventually(lambda: mira.client.get("/api/collections").json()["data"][0]["count"] == 1)


def test_a_list_of_recordings_is_a_filter_of_the_vault(mira: Tenant):
    other = mira.new_file()
    answer = made(mira, kind="manual", assets=[mira.asset])
    collection_id = answer.json()["id"]
    listed = f"/api/assets?collection={collection_id}"
    assert [each["id"] for each in read(mira, listed, answer).json()["data"]] == [mira.asset]
    path, version = f"/api/collections/{collection_id}", {"If-Match": answer.headers["ETag"]}
    changed = mira.client.patch(path, json={"add": [other]}, headers=version)
    assert changed.status_code == 200, changed.text
    assert set(read(mira, path, changed).json()["assets"]) == {mira.asset, other}
    stale = mira.client.patch(path, json={"name": "Late"}, headers=version)
    assert stale.status_code == 412
    gone = mira.client.delete(path, headers={"If-Match": changed.headers["ETag"]})
    assert gone.status_code == 204
    headers = {"Min-Position": gone.headers["Event-Position"], "Prefer": "wait=10"}
    assert mira.client.get(path, headers=headers).status_code == 404


def test_a_repeated_request_gets_its_first_answer_also_when_a_track_is_gone(mira: Tenant):
    headers = {"Idempotency-Key": "once"}
    body = {"name": "For Friday", "kind": "manual", "assets": [mira.asset]}
    first = mira.client.post("/api/collections", json=body, headers=headers)
    path = first.headers["Location"]
    more, at = {"name": "For Saturday", "add": [mira.asset]}, {"If-Match": '"v1"', **headers}
    changed = mira.client.patch(path, json=more, headers=at)
    mira.client.delete(f"/api/assets/{mira.asset}", headers={"If-Match": "*"})
    again = mira.client.post("/api/collections", json=body, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    again = mira.client.patch(path, json=more, headers=at)
    assert (again.status_code, again.json()) == (200, changed.json())


def test_a_search_is_saved_from_the_vaults_page_and_opens_it_again(
    tenants: Installation, mira: Tenant
):
    tenants.settle()
    page = mira.client.get("/vault", params={"q": "in A minor", "vocals": "", "tempo_max": "125"})
    assert page.status_code == 200
    query = re.search(r'name="query" value="([^"]*)"', page.text)
    assert query, "a search that found something can be saved"
    assert "A minor (8A)" in page.text
    form = re.search(r'name="csrf_token" value="([^"]*)"', page.text)
    said = {"name": "Warm up", "query": html.unescape(query[1]), "csrf_token": form[1]}
    saved = mira.client.post("/collections", data=said)
    assert saved.headers["location"] == "/collections?done=saved"
    listed = mira.client.get("/collections").text
    assert "Warm up" in listed
    opened = re.search(r'href="(/vault\?[^"]*)"', listed)
    again = mira.client.get(html.unescape(opened[1]))
    assert mira.asset in again.text


def test_the_page_of_what_is_alike_answers_for_a_track_that_nobody_heard_yet(mira: Tenant):
    page = mira.client.get(f"/assets/{mira.asset}/alike")
    assert page.status_code == 200
    assert "no other track to compare with yet" in page.text


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"kind": "smart"}, 422, "wrong-kind-of-collection"),
        ({"kind": "smart", "query": "shape=round"}, 422, "invalid-query"),
        ({"kind": "manual", "query": "q=x"}, 422, "wrong-kind-of-collection"),
        ({"kind": "manual", "assets": ["ast_" + "0" * 32]}, 404, "not-found"),
    ],
)
def test_what_makes_no_collection_is_refused(
    mira: Tenant, body: dict[str, Any], status: int, code: str
):
    answer = mira.client.post("/api/collections", json={"name": "x", **body})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_nobody_collects_what_another_has(tenants: Installation, mira: Tenant):
    stranger = tenants.person()
    body = {"name": "Mine", "kind": "manual", "assets": [mira.asset]}
    assert stranger.client.post("/api/collections", json=body).status_code == 404
    own = made(mira, kind="manual", assets=[mira.asset])
    listed = stranger.client.get(f"/api/assets?collection={own.json()['id']}")
    assert listed.json()["data"] == []


def test_a_saved_search_is_read_with_its_owners_key_only(tenants: Installation, mira: Tenant):
    """What an erasure destroys is that key."""
    core = tenants.house.core
    answer = made(mira, kind="smart", query="q=secret+project")
    read(mira, answer.headers["Location"], answer)
    collection_id = answer.json()["id"]
    query = "SELECT said FROM views.collections WHERE collection_id = %s"
    [row] = tenants.house.rows(query, collection_id)
    assert mira.account_id in row[0]
    assert "secret" not in row[0]
    assert "For Friday" not in row[0]
    [stored] = [e for e in core.log.events.after(0, 100_000) if e.stream_id == collection_id]
    assert core.codec.decode(stored).data.query == "q=secret+project"


@pytest.fixture
def shelf(tenants: Installation, mira: Tenant) -> tuple[str, list[str]]:
    """The page of a collection that holds a track with a picture between two without one, and these
    three.
    """
    held = [mira.new_file(), mira.asset, mira.new_file()]
    path = made(mira, kind="manual", assets=held).headers["Location"]
    tenants.settle()
    return path.removeprefix("/api"), held


@pytest.fixture
def send(mira: Tenant) -> Any:
    token = re.search(r'name="csrf_token" value="([^"]*)"', mira.client.get("/collections").text)
    return lambda path, **fields: mira.client.post(path, data={**fields, "csrf_token": token[1]})


def test_a_collection_has_a_page_with_its_tracks_in_their_order(
    tenants: Installation, mira: Tenant, shelf: tuple[str, list[str]]
):
    path, held = shelf
    page = mira.client.get(path).text
    assert ROW.findall(page) == held
    assert "3 tracks" in page
    assert f'src="/api/assets/{mira.asset}/cover"' in page
    listed = mira.client.get("/api/collections", params={"kind": "manual"}).json()["data"]
    assert (listed[0]["covers"], listed[0]["duration_s"]) == ([mira.asset], 2)
    assert mira.client.get("/api/collections", params={"kind": "smart"}).json()["data"] == []
    mira.client.delete(f"/api/assets/{held[0]}", headers={"If-Match": "*"})
    tenants.settle()
    page = mira.client.get(path).text
    assert ROW.findall(page) == held[1:]
    assert "2 tracks" in page
    assert tenants.other.client.get(path).status_code == 404


def test_tracks_are_moved_and_taken_out_without_scripts_too(
    mira: Tenant, shelf: tuple[str, list[str]], send: Any
):
    path, (first, second, third) = shelf
    for version, deed, then in (
        ("1", {"down": first}, [second, first, third]),
        ("2", {"up": third}, [second, third, first]),
        ("3", {"remove": third}, [second, first]),
    ):
        answer = send(f"{path}/tracks", version=version, **deed)
        assert answer.headers["location"] == f"{path}?done=arranged"
        assert ROW.findall(mira.client.get(path).text) == then


@pytest.mark.parametrize(
    ("to", "fields", "back"),
    [
        ("/tracks", {"remove": "ast_" + "0" * 32}, ""),
        ("", {"name": "Mine", "page": "own"}, ""),
        ("", {"name": "Mine"}, "/collections"),
        ("/delete", {}, "/collections"),
    ],
)
def test_whoever_comes_second_is_told_and_shown_what_is_so_now(
    mira: Tenant,
    shelf: tuple[str, list[str]],
    send: Any,
    to: str,
    fields: dict[str, str],
    back: str,
):
    path, _ = shelf
    send(path, version="1", name="Theirs", page="own")
    answer = send(f"{path}{to}", version="1", **fields)
    assert answer.headers["location"] == f"{back or path}?done=changed"
    page = mira.client.get(answer.headers["location"]).text
    assert "Somebody else changed the collection meanwhile" in page
    assert "Theirs" in page


def test_another_order_keeps_what_is_deleted_and_asks_for_no_recording_again(
    mira: Tenant, shelf: tuple[str, list[str]]
):
    path, held = shelf
    mira.client.delete(f"/api/assets/{held[0]}", headers={"If-Match": "*"})
    at = {"If-Match": '"v1"'}
    changed = mira.client.patch(f"/api{path}", json={"assets": held[::-1]}, headers=at)
    assert changed.status_code == 200, changed.text
    assert read(mira, f"/api{path}", changed).json()["assets"] == held[::-1]
    into = made(mira, kind="manual").headers["Location"]
    refused = mira.client.patch(into, json={"add": [held[0]]}, headers={"If-Match": "*"})
    assert refused.status_code == 404


def test_a_track_is_added_from_its_own_page_without_scripts(mira: Tenant, send: Any):
    path = f"/assets/{mira.asset}/collections"
    assert "Add to a new collection" in mira.client.get(path).text
    new = send(path, name="Summer EP").headers["location"]
    assert "The track is in this collection." in mira.client.get(new).text
    assert "It is in this one already." in mira.client.get(path).text
    again = send(path, collection=new.split("/")[-1].partition("?")[0])
    assert again.headers["location"] == new
    assert ROW.findall(mira.client.get(new).text) == [mira.asset]


def test_a_collection_begins_with_a_name_and_a_saved_search_opens_as_a_search(
    mira: Tenant, send: Any
):
    path = send("/collections", name="Friday").headers["location"]
    assert "Nothing in it yet" in mira.client.get(path).text
    assert send("/collections", name=" ").status_code == 422
    saved = made(mira, kind="smart", query="q=dub")
    read(mira, saved.headers["Location"], saved)
    opened = mira.client.get(saved.headers["Location"].removeprefix("/api"))
    assert (opened.status_code, opened.headers["location"]) == (303, "/vault?q=dub")


def test_the_picture_of_one_track_is_the_cover(tenants: Installation, mira: Tenant):
    chosen = mira.new_asset()
    picture = {"content": from_a_telephone(), "headers": {"If-Match": "*"}}
    assert mira.client.put(f"/api/assets/{chosen}/artwork", **picture).status_code == 200
    body = {"name": "Covered", "kind": "manual", "assets": [mira.asset, chosen]}
    path = mira.client.post("/api/collections", json=body).headers["Location"]

    def covers(cover: str | None) -> list[str]:
        answer = mira.client.patch(path, json={"cover": cover}, headers={"If-Match": "*"})
        assert answer.status_code == 200, answer.text
        tenants.settle()
        return list(mira.client.get(path).json()["covers"])

    assert covers(chosen) == [chosen]
    page = path.removeprefix("/api")
    assert 'name="cover" value="none"' in mira.client.get(page).text
    assert covers(None) == [mira.asset, chosen]
    strange = {"cover": "ast_" + "0" * 32}
    answer = mira.client.patch(path, json=strange, headers={"If-Match": "*"})
    assert (answer.status_code, answer.json()["code"]) == (422, "cover-elsewhere")
