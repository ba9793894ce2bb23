"""Marks over HTTP: kept at a version, asked for, and nobody's but the owner's."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.http.tenants import Installation, Tenant


@pytest.fixture
def owner(tenants: Installation) -> Tenant:
    tenants.forget_limits()
    owner = tenants.person()
    owner.asset = owner.new_asset()
    return owner


def mark(owner: Tenant, answered: int = 200, version: str = "*", **marks: Any) -> Any:
    url = f"/api/assets/{owner.asset}/marks"
    answer = owner.client.patch(url, json=marks, headers={"If-Match": version})
    assert answer.status_code == answered, answer.text
    return answer


def found(owner: Tenant, change: Any, query: str) -> list[dict[str, Any]]:
    waiting = {"Min-Position": change.headers["Event-Position"], "Prefer": "wait=20"}
    answer = owner.client.get(f"/api/assets?{query}", headers=waiting)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


def test_a_track_is_marked_found_by_it_and_undone(owner: Tenant):
    first = mark(owner, status="done", rating=4)
    seen = first.headers["ETag"]
    marked = mark(owner, version=seen, colour="teal")
    mark(owner, 412, version=seen, colour="pink")
    for query in ("status=done", "rating_min=4&colour=teal", "q=rating:>=4", "sort=-rating"):
        (one,) = found(owner, marked, query)
        assert one["marks"] == {"status": "done", "rating": 4, "colour": "teal"}, query
    assert found(owner, marked, "rating_max=3") == found(owner, marked, "q=status:idea") == []

    named = [{"id": owner.asset, "version": marked.json()["version"]}]
    body = {"changes": {"rating": 1}, "assets": named}
    answer = owner.client.post("/api/assets/marks", json=body)
    assert answer.json()["undo"]["assets"][0]["changes"] == {"rating": 4}
    undone = owner.client.post("/api/assets/marks", json=answer.json()["undo"])
    assert [one["marks"]["rating"] for one in found(owner, undone, "q=4 stars")] == [4]
    assert owner.client.post("/api/assets/marks", json=body).status_code == 409


def test_nobody_else_sees_or_makes_marks(tenants: Installation, owner: Tenant):
    guest = tenants.person()
    body = {"account_id": guest.account_id, "right": "edit"}
    assert owner.client.post(f"/api/assets/{owner.asset}/grants", json=body).status_code == 201
    marked = mark(owner, rating=2)
    tenants.settle()
    waiting = {"Min-Position": marked.headers["Event-Position"], "Prefer": "wait=20"}
    seen = guest.client.get(f"/api/assets/{owner.asset}", headers=waiting)
    assert seen.json()["marks"] is None
    told = guest.client.get(f"/api/assets/{owner.asset}/events").json()["data"]
    assert "asset.marked" not in {event["type"] for event in told}
    assert "asset.shared" in {event["type"] for event in told}
    own = owner.client.get(f"/api/assets/{owner.asset}/events").json()["data"]
    assert "asset.marked" in {event["type"] for event in own}
    url = f"/api/assets/{owner.asset}/marks"
    refused = guest.client.patch(url, json={"rating": 5}, headers={"If-Match": "*"})
    assert (refused.status_code, refused.json()["code"]) == (403, "right-missing")


def test_the_page_marks_what_differs_from_what_was_shown(tenants: Installation, owner: Tenant):
    mark(owner, rating=3, colour="blue")
    page = owner.client.get(f"/assets/{owner.asset}").text
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]

    def sent(**fields: str) -> Any:
        form = {"csrf_token": token, **fields}
        return owner.client.post(f"/assets/{owner.asset}/marks", data=form)

    # The colour was made blue after this form had been shown.
    assert sent(shown=",3,", status="idea", rating="3", colour="").status_code == 303
    tenants.settle()
    asked = owner.client.get(f"/api/assets/{owner.asset}")
    assert asked.json()["marks"] == {"status": "idea", "rating": 3, "colour": "blue"}
    assert 'value="idea" selected' in owner.client.get(f"/assets/{owner.asset}").text
    assert sent(shown=",3,", rating="9").status_code == 422


def test_a_form_of_tags_that_was_shown_before_the_marks_is_still_good(owner: Tenant):
    page = owner.client.get(f"/assets/{owner.asset}").text
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    seen = page.partition('name="version" value="')[2].partition('"')[0]
    for stars in ("4", "5"):
        form = {"csrf_token": token, "shown": ",0,", "rating": stars}
        assert owner.client.post(f"/assets/{owner.asset}/marks", data=form).status_code == 303

    def say(genre: str) -> str:
        form = {"csrf_token": token, "field": "genre", "value": genre, "version": seen}
        answer = owner.client.post(f"/assets/{owner.asset}/said", data=form)
        return str(answer.headers["Location"])

    assert say("Dub") == f"/assets/{owner.asset}"
    assert say("Ska") == f"/assets/{owner.asset}?done=changed"
