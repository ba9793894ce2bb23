"""What two tenants do with the same bytes, keys, cursors and ids never meets."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from aggregates.vault import asset
from events.ids import AccountId, AssetId, WorkspaceId
from events.store.pending import ForeignStream, VersionConflict
from tests.integration.http.routes import ANY_VERSION
from tests.integration.http.tenants import Installation, Tenant


def upload(tenant: Tenant, content: bytes, **headers: str) -> Any:
    return tenant.client.post("/api/assets", files={"file": ("a.flac", content)}, headers=headers)


def test_the_same_bytes_are_an_asset_of_each_and_no_duplicate_of_the_others(
    tenants: Installation,
) -> None:
    answers = [upload(tenant, b"the same bytes") for tenant in (tenants.one, tenants.other)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert len({answer.json()["id"] for answer in answers}) == 2
    again = upload(tenants.one, b"the same bytes")
    assert (again.status_code, again.json()["id"]) == (200, answers[0].json()["id"])


@pytest.mark.parametrize("route", ["upload", "tags", "key", "delete"])
def test_one_idempotency_key_of_two_tenants_is_two_commands(
    tenants: Installation, route: str
) -> None:
    key = {"Idempotency-Key": f"the same key for {route}"}

    def ask(tenant: Tenant) -> Any:
        client, of_asset = tenant.client, f"/api/assets/{tenant.asset}"
        match route:
            case "upload":
                return upload(tenant, f"of {tenant.name}".encode(), **key)
            case "tags":
                body = {"artist": tenant.name}
                return client.patch(of_asset, json=body, headers=key | ANY_VERSION)
            case "key":
                body = {"name": tenant.name, "scopes": ["assets:read"]}
                return client.post("/api/keys", json=body, headers=key)
        return client.delete(f"/api/assets/{tenant.new_file()}", headers=key | ANY_VERSION)

    tenants.forget_limits()
    answers = [ask(tenant) for tenant in (tenants.one, tenants.other)]
    assert {answer.is_success for answer in answers} == {True}, [a.text for a in answers]
    assert not any("Idempotent-Replayed" in answer.headers for answer in answers)
    if route != "delete":
        assert "Idempotent-Replayed" in ask(tenants.one).headers


@pytest.mark.parametrize("path", ["/api/assets", "/api/events", "/api/assets/{asset}/events"])
def test_a_cursor_made_for_one_tenant_is_refused_for_another(
    tenants: Installation, path: str
) -> None:
    for _ in range(2):  # a second page needs two, whatever other tests have deleted
        tenants.one.new_file()
    tenants.settle()
    url = path.format(asset=tenants.one.asset)
    cursor = tenants.one.client.get(url, params={"limit": 1}).json()["next_cursor"]
    asked = {"limit": 1, "cursor": cursor}
    assert tenants.one.client.get(url, params=asked).status_code == 200
    answer = tenants.other.client.get(url, params=asked)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-cursor")


def test_a_stream_of_one_tenant_can_be_neither_started_nor_changed_by_another(
    tenants: Installation,
) -> None:
    one, other = tenants.one, tenants.other
    taken, before = AssetId(one.asset), tenants.rows_of(one)
    commands = tenants.house.core.commands
    starting = commands.unit(other.context(), input=None)
    starting.start(
        asset,
        taken,
        asset.upload,
        workspace_id=WorkspaceId(other.workspace_id),
        uploaded_by=AccountId(other.account_id),
        filename="theirs.flac",
        sha256="1" * 64,
        size_bytes=1,
    )
    with pytest.raises((ForeignStream, VersionConflict)):
        starting.commit()
    changing = commands.unit(other.context(), input=None)
    changing.change(
        asset,
        taken,
        asset.edit_tags,
        edited_by=AccountId(other.account_id),
        changes={"title": "Taken"},
    )
    with pytest.raises(ForeignStream):
        changing.commit()
    assert tenants.rows_of(one) == before


def test_a_search_finds_nothing_of_another_tenant(
    tenants: Installation, visitor: TestClient
) -> None:
    tenants.settle()
    for q in ("Canary", tenants.other.name, "Title of"):
        found = tenants.one.client.get("/api/assets", params={"q": q, "limit": 200}).json()["data"]
        shown = str(found)
        assert not any(mark in shown for mark in tenants.other.marks)
        assert not any(mark in shown for mark in tenants.operator.marks)
