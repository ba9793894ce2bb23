"""Collections over HTTP, with the worker behind it: saved, counted, changed, forgotten."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from tests.integration.account.erasure.house import eventually
from tests.integration.http.tenants import Installation, Tenant


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
        ({"kind": "smart", "query": "colour=red"}, 422, "invalid-query"),
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
