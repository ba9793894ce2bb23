"""The caller's own account and export; health, readiness, metrics and the operator's view."""

from __future__ import annotations

import threading
import time

import pytest
from starlette.testclient import TestClient

from kit.caller import Caller
from runtime.areas import VIEWS as VIEW_CLASSES
from tests.integration.library import Library

VIEWS = [view.name for view in VIEW_CLASSES]


def test_an_account_is_there_right_after_sign_up(library: Library, http: TestClient):
    caller = library.caller()
    me = http.get("/api/me", headers=library.key(caller)).json()
    assert (me["id"], me["workspace_id"]) == (caller.account_id, caller.workspace_id)
    assert me["email"].endswith("@example.org")
    assert me["name"]


def test_an_account_is_answered_even_while_its_view_is_behind(
    library: Library, monkeypatch: pytest.MonkeyPatch
):
    from read_api.account import accounts

    monkeypatch.setattr(accounts, "_PATIENCE_S", 0.05)
    unknown = Caller("acc_" + "0" * 32, "wsp_" + "0" * 32)
    answer = accounts.AccountQueries(library.pool, {}).get(unknown)
    assert (answer.id, answer.email, answer.name) == (unknown.account_id, None, None)


def test_an_export_is_everything_of_the_workspace_and_nothing_else(
    library: Library, http: TestClient
):
    caller, stranger = library.caller(), library.caller()
    key = library.key(caller)
    mine = [library.add(caller, "Mine"), library.add(caller, "Mine too")]
    library.add(stranger, "Theirs")
    library.settle()
    answer = http.get("/api/me/export", headers=key)
    assert answer.headers["content-disposition"].startswith('attachment; filename="noculture-')
    export = answer.json()
    assert export["account"]["id"] == caller.account_id
    assert [asset["id"] for asset in export["assets"]] == mine
    assert {event["tenant"] for event in export["events"]} == {caller.workspace_id}
    stored = library.commands.log.events
    positions = [
        e.position for page in stored.walk() for e in page if e.tenant == caller.workspace_id
    ]
    assert [event["position"] for event in export["events"]] == positions
    # The export is the person's own: what the log holds encrypted is in plain here.
    assert export["events"][0]["data"]["email"] == export["account"]["email"]


def test_health_and_readiness(library: Library, http: TestClient):
    assert http.get("/healthz").json() == {"ready": True, "reasons": {}}
    assert http.get("/readyz").status_code == 200
    with library.workers_pool.connection() as connection:
        connection.execute("UPDATE consumers SET stopped = 'upgrade' WHERE name = 'vault'")
    answer = http.get("/readyz")
    deadline = time.monotonic() + 10
    while answer.status_code == 200 and time.monotonic() < deadline:
        answer = http.get("/readyz")
    with library.workers_pool.connection() as connection:
        connection.execute("UPDATE consumers SET stopped = NULL")
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "reasons": {"consumers": "vault: upgrade"}}


def test_metrics_count_answers_by_route_and_say_how_far_everything_is(
    library: Library, http: TestClient
):
    key = library.key(library.caller())
    library.settle()
    http.get("/api/assets/ast_" + "0" * 32, headers=key)
    text = http.get("/metrics").text
    answered = (
        'noculture_http_requests_total{method="GET",route="/api/assets/{asset_id}",status="404"}'
    )
    assert answered in text
    head = library.commands.log.events.head()
    assert f"noculture_log_head {float(head)}" in text
    for view in VIEWS:
        assert f'noculture_consumer_lag{{consumer="{view}"}}' in text


def test_the_operator_sees_consumers_and_what_they_put_aside(library: Library, http: TestClient):
    with library.workers_pool.connection() as connection:
        connection.execute(
            "INSERT INTO parked_streams VALUES ('timeline', 'ast_x', 7, 'ValueError: bad', now())"
        )
        connection.execute(
            "INSERT INTO dead_letters (consumer, position, event_id, stream_id, type)"
            " VALUES ('timeline', 7, 'evt_a', 'ast_x', 'asset.verified'),"
            " ('timeline', 9, 'evt_b', 'ast_x', 'asset.deleted')"
        )
    assert library.operator is not None
    answer = http.get("/api/system", headers=library.key(library.operator, "operator"))
    with library.workers_pool.connection() as connection:
        connection.execute("DELETE FROM parked_streams")
        connection.execute("DELETE FROM dead_letters")
    system = answer.json()
    assert {each["name"] for each in system["consumers"]} == set(VIEWS)
    assert system["head"] >= system["relayed"] > 0
    letter = system["dead_letters"][0]
    assert letter["error"] == "ValueError: bad"
    assert (letter["consumer"], letter["type"], letter["waiting"]) == (
        "timeline",
        "asset.verified",
        2,
    )


@pytest.mark.parametrize("view", VIEWS)
def test_a_rebuilt_view_is_the_live_one_byte_for_byte(library: Library, view: str):
    caller = library.caller()
    asset_id = library.add(caller, "Été à Zürich", genre="Électro", year=1999)
    library.edit(caller, asset_id, title=None, tempo_bpm=99.95)
    library.delete(caller, library.add(caller, "Gone"))
    library.settle()
    consumers = {each.name: each for each in library.consumers}
    assert library.rebuilder.rebuild(consumers[view]).identical is True
    library.add(caller, "After the swap")
    library.settle()
    assert library.assets.stats(caller).assets == 2


def test_readers_notice_nothing_while_a_view_is_swapped(library: Library, http: TestClient):
    caller = library.caller()
    key = library.key(caller)
    asset_id = library.add(caller, "Always there")
    library.settle()
    vault = next(each for each in library.consumers if each.name == "vault")
    over = threading.Event()

    def rebuild() -> None:
        for _ in range(3):
            library.rebuilder.rebuild(vault)
        over.set()

    rebuilding = threading.Thread(target=rebuild)
    rebuilding.start()
    answers = []
    while not over.is_set():
        answers.append(http.get(f"/api/assets/{asset_id}", headers=key))
        answers.append(http.get("/api/assets?q=always", headers=key))
    rebuilding.join()
    assert {answer.status_code for answer in answers} == {200}
    assert all(len(answer.json()["data"]) == 1 for answer in answers[1::2])
