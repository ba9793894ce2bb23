"""Comments over HTTP, with the worker behind it: said, changed, settled, forgotten."""

from __future__ import annotations

import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.integration.account.erasure.house import eventually
from tests.integration.http.tenants import Installation, Tenant


@pytest.fixture
def mira(tenants: Installation) -> Tenant:
    """Somebody new with one track."""
    tenants.forget_limits()
    person = tenants.person()
    person.asset = person.new_file()
    return person


def say(person: Tenant, text: str = "The snare is late", **more: Any) -> Any:
    body = {"at_s": 62.5, "text": text, **more}
    answer = person.client.post(f"/api/assets/{person.asset}/comments", json=body)
    assert answer.status_code == 201, answer.text
    return answer


def listed(client: TestClient, asset: str, position: str, **query: Any) -> dict[str, Any]:
    headers = {"Min-Position": position, "Prefer": "wait=20"}
    answer = client.get(f"/api/assets/{asset}/comments", headers=headers, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def change(person: Tenant, said: Any, method: str, path: str = "", **more: Any) -> Any:
    headers = {"If-Match": more.pop("version", said.headers["ETag"])}
    url = f"/api/comments/{said.json()['id']}{path}"
    return person.client.request(method, url, headers=headers, **more)


def test_comments_come_in_the_order_of_their_moments(mira: Tenant) -> None:
    late, early = say(mira, "Ending", at_s=200.0, end_s=210.0), say(mira, "Intro", at_s=3.0)
    position = early.headers["Event-Position"]
    first = listed(mira.client, mira.asset, position, limit=1)
    assert [each["text"] for each in first["data"]] == ["Intro"]
    rest = listed(mira.client, mira.asset, position, limit=1, cursor=first["next_cursor"])
    [ending] = rest["data"]
    assert (ending["id"], ending["at_s"], ending["end_s"]) == (late.json()["id"], 200.0, 210.0)
    assert ending["author_id"] == mira.account_id
    assert not rest["has_more"]


def test_a_comment_is_changed_settled_and_deleted_at_the_version_that_was_read(
    mira: Tenant,
) -> None:
    said = say(mira)
    stale = said.headers["ETag"]
    edited = change(mira, said, "PATCH", json={"text": "The snare is 20 ms late"})
    assert (edited.status_code, edited.json()["version"]) == (200, 2)
    refused = change(mira, said, "PATCH", json={"text": "x"}, version=stale)
    assert (refused.status_code, refused.json()["code"]) == (412, "version-mismatch")
    settled = change(mira, said, "POST", "/resolve", version=edited.headers["ETag"])
    assert settled.status_code == 200
    [row] = listed(mira.client, mira.asset, settled.headers["Event-Position"])["data"]
    assert row["text"] == "The snare is 20 ms late"
    assert row["resolved_by"] == mira.account_id
    opened = change(mira, said, "POST", "/reopen", version="*")
    [row] = listed(mira.client, mira.asset, opened.headers["Event-Position"])["data"]
    assert row["resolved_at"] is None
    gone = change(mira, said, "DELETE", version="*")
    assert gone.status_code == 204
    assert listed(mira.client, mira.asset, gone.headers["Event-Position"])["data"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"at_s": -1, "text": "x"},
        {"at_s": 5, "end_s": 4, "text": "x"},
        {"at_s": 5, "text": "   "},
        {"at_s": 5, "text": "x" * 2001},
        {"at_s": 90_000, "text": "x"},
    ],
)
def test_what_is_no_comment_is_refused(mira: Tenant, body: dict[str, Any]) -> None:
    answer = mira.client.post(f"/api/assets/{mira.asset}/comments", json=body)
    assert answer.status_code == 422


def test_with_its_track_a_comment_is_gone(mira: Tenant) -> None:
    said = say(mira)
    deleted = mira.client.delete(f"/api/assets/{mira.asset}", headers={"If-Match": "*"})
    assert deleted.status_code == 204
    headers = {"Min-Position": deleted.headers["Event-Position"], "Prefer": "wait=20"}
    answer = mira.client.get(f"/api/assets/{mira.asset}/comments", headers=headers)
    assert answer.status_code == 404
    assert change(mira, said, "PATCH", json={"text": "x"}).status_code == 404
    url = f"/api/assets/{mira.asset}/comments"
    assert mira.client.post(url, json={"at_s": 1, "text": "x"}).status_code == 404


def test_a_repeated_request_gets_its_first_answer_also_when_the_track_is_gone(
    mira: Tenant,
) -> None:
    url, headers = f"/api/assets/{mira.asset}/comments", {"Idempotency-Key": "once"}
    body = {"at_s": 1, "text": "x"}
    first = mira.client.post(url, json=body, headers=headers)
    mira.client.delete(f"/api/assets/{mira.asset}", headers={"If-Match": "*"})
    again = mira.client.post(url, json=body, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotent-Replayed"] == "true"


def test_what_a_comment_says_is_read_with_its_authors_key_only(
    tenants: Installation, mira: Tenant
) -> None:
    """An erasure destroys the key: neither the log nor the view can be read from then on."""
    core, comment_id = tenants.house.core, (said := say(mira, "A-Canary-sings")).json()["id"]
    listed(mira.client, mira.asset, said.headers["Event-Position"])
    query = "SELECT said FROM views.comments WHERE comment_id = %s"
    [row] = tenants.house.rows(query, comment_id)
    assert mira.account_id in row[0]
    assert "A-Canary" not in row[0]
    [stored] = [e for e in core.log.events.after(0, 100_000) if e.stream_id == comment_id]
    assert b"A-Canary" not in stored.data
    assert core.codec.decode(stored).data.text == "A-Canary-sings"
    erasure_id = tenants.house.erase(mira.client)
    eventually(lambda: core.codec.decode(stored).data.text is None)
    tenants.house.erased(erasure_id)


def test_without_scripts_the_form_leads_to_the_notes_and_an_unknown_part_to_the_first(
    mira: Tenant,
) -> None:
    form = {"csrf_token": mira.client.get("/session").json()["form_token"], "text": "Louder"}
    page = f"/assets/{mira.asset}"
    sent = mira.client.post(f"{page}/comments", data=form, follow_redirects=False)
    assert (sent.status_code, sent.headers["Location"]) == (303, f"{page}?tab=notes#comments")
    for address, shown in ((sent.headers["Location"], "notes"), (f"{page}?tab=none", "listen")):
        text = mira.client.get(address).text
        panels = re.findall(r'id="panel-(\w+)" aria-labelledby="tab-\w+">', text)
        assert panels == [shown]
        assert f'href="?tab={shown}" aria-controls="panel-{shown}" aria-selected="true"' in text
