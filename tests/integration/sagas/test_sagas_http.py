"""Sagas over HTTP and on pages: listed, shown, operated, and only by operators."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from events.ids import AssetId, IngestId
from events.log.tail import LogTail
from processors.consumers.engine import Engine
from processors.consumers.projection import ProjectionConsumer
from processors.rebuild import Rebuilder
from projections.account.accounts import Accounts
from projections.system.sagas import Sagas
from runtime.app import build_app
from runtime.areas import ALL
from runtime.composition import open_core, open_event_log
from runtime.settings import load_settings
from tests.conftest import Database
from tests.integration.sagas.ingests import Ingests

PASSWORD = "a long enough password"


@dataclass
class Site:
    ingests: Ingests
    http: TestClient
    browser: Callable[[str], TestClient]
    settle: Callable[[], None]

    def probing(self) -> tuple[AssetId, str]:
        asset_id = self.ingests.upload()
        self.ingests.feed()
        self.settle()
        return asset_id, IngestId.beside(asset_id)

    def operate(self, saga_id: str, action: str, version: int | str = "*", **more: str) -> Any:
        tag = "*" if version == "*" else f'"v{version}"'
        return self.http.post(
            f"/api/sagas/{saga_id}/{action}",
            json={"reason": "A test says so"},
            headers={"If-Match": tag} | more,
        )

    def stuck(self) -> dict[str, str]:
        listed = self.http.get("/api/sagas?show=stuck").json()["data"]
        return {saga["id"]: saga["stuck"] for saga in listed}


@pytest.fixture
def site(database: Database, tmp_path: Path) -> Iterator[Site]:
    """The whole app over a real store; the saga's own parts are moved by hand."""
    settings = load_settings(
        data=tmp_path,
        app_database_url=database.app_url,
        worker_database_url=database.worker_url,
        event_log="postgres",
    )
    stop = threading.Event()
    with (
        open_core(settings) as core,
        open_core(settings, acting="worker") as behind,
        open_event_log(behind) as event_log,
    ):
        views = [ProjectionConsumer(view) for view in (Sagas(ALL.sagas), Accounts())]
        rebuilder = Rebuilder(behind.pool, behind.codec, "postgres")
        engine = Engine(views, event_log, behind.pool, behind.codec, rebuilder)
        worker = threading.Thread(target=engine.run, args=(stop,))
        worker.start()
        tail = LogTail(core.url)
        app = build_app(core, tail)
        people: list[TestClient] = []

        def browser(name: str) -> TestClient:
            client = TestClient(app, follow_redirects=False)
            body = {"email": f"{name}@example.org", "password": PASSWORD, "name": name}
            assert client.post("/api/accounts", json=body).status_code == 201
            people.append(client)
            return client

        def settle() -> None:
            assert core.progress.wait_until("sagas", core.log.events.head(), 20)

        ingests = Ingests(behind.commands, behind.log, behind.pool, behind.codec)
        # The first account is the installation's operator.
        yield Site(ingests, browser("operator"), browser, settle)
        for client in people:
            client.close()
        app.state.close()
        stop.set()
        worker.join()
        tail.close()


def test_a_saga_is_listed_and_shown_with_all_that_it_took_and_sent(site: Site):
    asset_id, saga_id = site.probing()
    site.ingests.verify(asset_id)
    site.ingests.feed()
    site.settle()
    (listed,) = site.http.get("/api/sagas").json()["data"]
    assert (listed["id"], listed["state"], listed["version"]) == (saga_id, "Analysing", 2)
    assert (listed["waits_for"], listed["stuck"], listed["ended"]) == (["analysis"], None, False)
    answer = site.http.get(f"/api/sagas/{saga_id}")
    assert answer.headers["etag"] == '"v2"'
    shown = answer.json()
    assert [(s["input_name"], s["state"]) for s in shown["steps"]] == [
        ("asset.uploaded", "Probing"),
        ("asset.verified", "Analysing"),
    ]
    (sent,) = shown["steps"][1]["sent"]
    assert (sent["name"], sent["verdict"], sent["attempts"]) == ("RequestAnalysis", "waiting", 0)
    assert [timer["token"] for timer in shown["timers"]] == ["analysis"]
    assert shown["correlation_id"] == listed["correlation_id"]
    assert "a.wav" not in answer.text, "memory and bodies stay inside"


@pytest.mark.parametrize("due_at", ["infinity", "-infinity", "4713-01-01 BC"])
def test_a_row_that_is_due_in_a_year_that_python_has_not_broke_the_operators_pages(
    site: Site, due_at: str
):
    _asset_id, saga_id = site.probing()
    site.operate(saga_id, "retry")
    for table in ("saga_timers", "saga_commands"):
        site.ingests.do(f"UPDATE {table} SET due_at = %s::timestamptz", due_at)
    site.settle()
    (listed,) = site.http.get("/api/sagas").json()["data"]
    shown = site.http.get(f"/api/sagas/{saga_id}")
    assert (listed["id"], shown.status_code) == (saga_id, 200)


def verdicts(site: Site, saga_id: str) -> list[str]:
    steps = site.http.get(f"/api/sagas/{saga_id}").json()["steps"]
    return [command["verdict"] for step in steps for command in step["sent"]]


def test_what_a_command_became_is_told(site: Site):
    asset_id, saga_id = site.probing()
    for _ in range(2):
        site.operate(saga_id, "retry")
        site.ingests.dispatcher().send_one()
    site.ingests.verify(asset_id)
    site.operate(saga_id, "retry")
    site.ingests.dispatcher().send_one()
    site.operate(saga_id, "retry")
    assert verdicts(site, saga_id) == ["done", "done", "answered", "waiting"]


def test_an_abort_does_not_say_of_an_answered_command_that_it_was_taken_back(site: Site):
    """`withdrawn` was said of both, and one of them had been sent and answered."""
    asset_id, saga_id = site.probing()
    site.ingests.verify(asset_id)
    site.operate(saga_id, "retry")
    site.ingests.dispatcher().send_one()
    site.operate(saga_id, "retry")
    assert verdicts(site, saga_id) == ["answered", "waiting"]
    site.operate(saga_id, "abort")
    assert verdicts(site, saga_id) == [*["withdrawn-or-answered"] * 2, "waiting"]
    assert "taken back, or changed nothing" in site.http.get(f"/sagas/{saga_id}").text
    assert site.http.get(f"/api/sagas/{saga_id}").json()["outcome"] == "aborted"


def test_an_operator_moves_a_saga_with_a_reason_that_is_shown(site: Site):
    _asset_id, saga_id = site.probing()
    answer = site.operate(saga_id, "retry", 1)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"id": saga_id, "version": 2}
    assert answer.headers["etag"] == '"v2"'
    assert int(answer.headers["event-position"]) > 0
    step = site.http.get(f"/api/sagas/{saga_id}").json()["steps"][-1]
    assert (step["input_kind"], step["input_name"]) == ("operator", "retry")
    assert (step["reason"], step["actor"][:4]) == ("A test says so", "acc_")


def test_an_order_is_refused_with_its_reason(site: Site):
    _, saga_id = site.probing()
    assert site.operate(saga_id, "skip", 1).json()["code"] == "not-skippable"
    assert site.operate(saga_id, "abort", 7).json()["code"] == "version-mismatch"
    assert site.operate("ing_" + "0" * 32, "abort").status_code == 404
    assert site.operate(saga_id, "delete").status_code == 422
    assert site.http.post(f"/api/sagas/{saga_id}/abort", json={"reason": "x"}).status_code == 428
    for reason in ("", "x" * 501, "\x00"):
        answer = site.http.post(
            f"/api/sagas/{saga_id}/abort", json={"reason": reason}, headers={"If-Match": "*"}
        )
        assert answer.status_code == 422
    assert site.operate(saga_id, "abort", 1).status_code == 200
    assert site.operate(saga_id, "retry").json()["code"] == "saga-ended"


def test_the_same_idempotency_key_gives_the_first_answer(site: Site):
    _, saga_id = site.probing()
    key = {"Idempotency-Key": "once"}
    first, again = (site.operate(saga_id, "abort", 1, **key) for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"


def test_nobody_but_an_operator_sees_or_moves_a_saga(site: Site):
    _, saga_id = site.probing()
    musician = site.browser("musician")
    for path in ("/api/sagas", f"/api/sagas/{saga_id}", "/sagas", f"/sagas/{saga_id}"):
        assert musician.get(path).status_code == 403
    refused = musician.post(
        f"/api/sagas/{saga_id}/abort", json={"reason": "mine"}, headers={"If-Match": "*"}
    )
    assert refused.status_code == 403
    stranger = TestClient(site.http.app)
    assert stranger.get("/api/sagas").status_code == 401


def test_sagas_are_paged_last_moved_first(site: Site):
    wanted = [site.probing()[1] for _ in range(5)][::-1]
    found, cursor = [], ""
    while cursor is not None:
        after = f"&cursor={cursor}" if cursor else ""
        page = site.http.get(f"/api/sagas?limit=2{after}").json()
        found += [saga["id"] for saga in page["data"]]
        cursor = page["next_cursor"]
    assert found == wanted


def test_a_saga_is_stuck_when_it_needs_somebody(site: Site):
    failing, overdue, outside, forgotten, well = (site.probing()[1] for _ in range(5))
    ingests = site.ingests
    ingests.do(
        "INSERT INTO saga_commands (command_id, saga, stream_id, name, body, tenant,"
        " correlation_id, causation_id, attempts, error)"
        " VALUES ('cmd_x', 'ingest', %s, 'RequestProbe', '{}', 't', 'c', 'e', 5, 'no memory')",
        failing,
    )
    ingests.do(
        "UPDATE saga_timers SET due_at = clock_timestamp() - interval '61 seconds'"
        " WHERE stream_id = %s",
        overdue,
    )
    correlation = ingests.log.events.stream(outside)[0].correlation_id
    ingests.do(
        "INSERT INTO effects (effect, event_id, position, correlation_id, failures, error)"
        " VALUES ('probe', 'evt_x', 1, %s, 1, 'broken')",
        correlation,
    )
    ingests.do("DELETE FROM saga_timers WHERE stream_id = %s", forgotten)
    assert site.stuck() == {
        failing: "command-failing",
        overdue: "timer-overdue",
        outside: "effect-failing",
    }, "what was just moved may have rows on their way"
    ingests.do(
        "UPDATE views.sagas SET stepped_at = stepped_at - interval '2 minutes' WHERE saga_id = %s",
        forgotten,
    )
    assert site.stuck()[forgotten] == "nothing-pending"
    assert well not in site.stuck()
    assert site.http.get(f"/api/sagas/{failing}").json()["stuck"] == "command-failing"


def test_the_pages_show_a_saga_and_take_an_operators_hand(site: Site):
    _asset_id, saga_id = site.probing()
    page = site.http.get(f"/sagas/{saga_id}")
    assert page.status_code == 200
    assert saga_id in page.text
    form = dict(re.findall(r'name="(csrf_token|version)" value="([^"]*)"', page.text))
    answer = site.http.post(f"/sagas/{saga_id}", data=form | {"action": "retry", "reason": ""})
    assert answer.status_code == 422
    assert "Say why" in answer.text
    answer = site.http.post(f"/sagas/{saga_id}", data=form | {"action": "skip", "reason": "<b>"})
    assert answer.status_code == 409
    assert "&lt;b&gt;" in answer.text
    answer = site.http.post(f"/sagas/{saga_id}", data=form | {"action": "abort", "reason": "Old"})
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        f"/sagas/{saga_id}?done=abort",
    )
    after = site.http.get(answer.headers["location"])
    assert "The saga was ended" in after.text
    assert "Old" in after.text
    assert 'name="reason"' not in after.text
    assert saga_id in site.http.get("/sagas?show=ended").text
    assert "Nothing is stuck" in site.http.get("/sagas?show=stuck").text


def test_a_form_without_its_token_moves_nothing(site: Site):
    _, saga_id = site.probing()
    form = {"action": "abort", "reason": "x", "version": "1"}
    assert site.http.post(f"/sagas/{saga_id}", data=form).status_code == 403
