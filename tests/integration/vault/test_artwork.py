"""A picture for a track over HTTP: made anew, served, removed, undone, seen by guests, erased."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.pictures import PLACE, decoded, from_a_telephone, picture
from tests.integration.http.tenants import Installation, Tenant


@pytest.fixture
def owner(tenants: Installation) -> Tenant:
    tenants.forget_limits()
    owner = tenants.person()
    owner.asset = owner.new_asset()
    return owner


def change(owner: Tenant, method: str, path: str = "", status: int = 200, **sent: Any) -> Any:
    url = f"/api/assets/{owner.asset}/artwork{path}"
    headers = {"If-Match": "*", **sent.pop("headers", {})}
    answer = owner.client.request(method, url, headers=headers, **sent)
    assert answer.status_code == status, answer.text
    return answer


def cover(who: Tenant, owner: Tenant, change: Any, query: str = "") -> Any:
    waiting = {"Min-Position": change.headers["Event-Position"], "Prefer": "wait=20"}
    return who.client.get(f"/api/assets/{owner.asset}/cover{query}", headers=waiting)


def shown(owner: Tenant, change: Any) -> dict[str, Any]:
    waiting = {"Min-Position": change.headers["Event-Position"], "Prefer": "wait=20"}
    answer = owner.client.get(f"/api/assets/{owner.asset}", headers=waiting)
    return dict(answer.json()["cover"])


def test_a_picture_takes_the_place_of_the_files_own_until_it_is_removed(owner: Tenant):
    before = change(owner, "DELETE")
    of_file = shown(owner, before)
    assert (of_file["media_type"], of_file["chosen"]) == ("image/png", False)

    first = change(owner, "PUT", content=from_a_telephone(), headers={"Idempotency-Key": "one"})
    again = change(owner, "PUT", content=from_a_telephone(), headers={"Idempotency-Key": "one"})
    assert again.json() == first.json()
    chosen = shown(owner, first)
    assert (chosen["media_type"], chosen["chosen"]) == ("image/jpeg", True)
    whole, small = cover(owner, owner, first), cover(owner, owner, first, "?size=small")
    assert PLACE not in whole.content
    assert decoded(whole.content).shape == (640, 400, 3)
    assert decoded(small.content).shape == (320, 200, 3)
    assert whole.headers["Content-Type"] == "image/jpeg"
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in whole.headers["Content-Security-Policy"]

    seen = {"If-Match": first.headers["ETag"]}
    second = change(owner, "PUT", content=picture("png"), headers=seen)
    change(owner, "DELETE", status=412, headers=seen)
    assert shown(owner, second)["sha256"] != chosen["sha256"]
    undone = change(owner, "POST", "/undo", headers={"If-Match": second.headers["ETag"]})
    assert shown(owner, undone) == chosen
    removed = change(owner, "DELETE")
    assert shown(owner, removed) == of_file
    assert shown(owner, change(owner, "POST", "/undo")) == chosen


def test_a_browser_keeps_a_picture_under_its_hash_and_a_guest_asks_each_time(
    tenants: Installation, owner: Tenant
):
    guest = tenants.person()
    body = {"account_id": guest.account_id, "right": "edit"}
    assert owner.client.post(f"/api/assets/{owner.asset}/grants", json=body).status_code == 201
    set_ = change(owner, "PUT", content=picture("libwebp"))
    tenants.settle()
    seen = f"?v={shown(owner, set_)['sha256'][:16]}"
    assert "immutable" in cover(owner, owner, set_, seen).headers["Cache-Control"]
    assert "immutable" in cover(owner, owner, set_, f"{seen}&size=small").headers["Cache-Control"]
    for query in ("", f"?v={'0' * 16}"):
        assert cover(owner, owner, set_, query).headers["Cache-Control"] == "private, no-cache"
    assert cover(guest, owner, set_, seen).headers["Cache-Control"] == "private, no-cache"
    url = f"/api/assets/{owner.asset}/artwork"
    sent = guest.client.put(url, content=picture("png"), headers={"If-Match": "*"})
    assert (sent.status_code, sent.json()["code"]) == (403, "right-missing")


def test_what_is_no_picture_is_refused_in_plain_words(owner: Tenant):
    refused = change(owner, "PUT", status=422, content=b"<svg onload='alert(1)'/>")
    assert refused.json()["code"] == "unfit-picture"
    assert "JPEG, PNG or WebP" in refused.json()["detail"]
    assert change(owner, "PUT", status=422, content=b"").json()["code"] == "empty-file"
    large = change(owner, "PUT", status=413, content=b"\xff\xd8\xff" * 7_500_000)
    assert large.json()["code"] == "picture-too-large"


def test_a_picture_takes_room_and_goes_with_its_account(tenants: Installation, owner: Tenant):
    def used() -> int:
        tenants.settle()
        return int(owner.client.get("/api/usage").json()["used_bytes"])

    before = used()
    set_ = change(owner, "PUT", content=picture("png", 900, 900))
    sha256 = shown(owner, set_)["sha256"]
    objects = tenants.house.core.objects
    assert used() == before + (objects.size(owner.workspace_id, sha256) or 0)
    tenants.house.erased(tenants.house.erase(owner.client))
    assert objects.size(owner.workspace_id, sha256) is None
