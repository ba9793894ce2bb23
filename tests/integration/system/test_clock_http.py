"""POST /api/test/clock: a month of timers in order, in seconds, each once; and who may not."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer import BadParameter

from aggregates.vault import asset
from commands.unit import CommandContext
from events.clock import MachineClock
from events.ids import AssetId, CommandId, CorrelationId
from events.store import advances
from events.times import parse_rfc3339, utc_now
from processors.sagas.rows import SagaRows
from processors.system import advancing
from runtime.areas import SAGAS
from runtime.cli import clock as cli
from runtime.errors import ClockIsReal, ClockWasAdvanced
from tests.conftest import Database
from tests.integration.account.erasure.house import House, open_house
from tests.integration.http.app import Installation, open_installation
from tests.offering import DAY, OFFERING, STANDS, known, stream_of

MONTH_S = int(STANDS.total_seconds())


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody is in one process here, and nobody performs effects of recordings."""
    monkeypatch.setattr(advances, "SEEN_WITHIN_S", 0.01)
    monkeypatch.setattr(advances, "COUNTS_AFTER_S", 0.05)
    monkeypatch.setattr(advancing, "TAKEN_WITHIN_S", 0.1)


@dataclass
class Site:
    house: House
    operator: TestClient

    def advance(self, advance_s: Any, key: str | None = None) -> Any:
        headers = {} if key is None else {"Idempotency-Key": key}
        body = {"advance_s": advance_s}
        return self.operator.post("/api/test/clock", json=body, headers=headers)

    def upload(self) -> AssetId:
        core, asset_id = self.house.core, AssetId.new()
        person = self.operator.account
        context = CommandContext(
            person["id"], person["workspace_id"], CommandId.new(), CorrelationId.new()
        )
        unit = core.commands.unit(context, input={})
        unit.start(
            *(asset, asset_id, asset.upload),
            workspace_id=context.tenant,
            uploaded_by=context.actor,
            filename="a.wav",
            sha256=asset_id[4:] * 2,
            size_bytes=1,
        )
        unit.commit()
        return asset_id

    def stream(self, stream_id: str) -> list[Any]:
        core = self.house.core
        return [core.codec.decode(each) for each in core.log.events.stream(stream_id, limit=1_000)]

    def steps(self, asset_id: AssetId) -> list[Any]:
        return self.stream(stream_of(self.stream(asset_id)[0].data) or "")


@pytest.fixture
def site(
    database: Database, tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    """The whole app and its worker, whose one saga is the specimen."""
    for name in list(SAGAS):
        monkeypatch.delitem(SAGAS, name)
    monkeypatch.setitem(SAGAS, OFFERING.name, OFFERING)
    with known(), open_house(database, tmp_path) as house, house.worker():
        house.wait_for_views()
        # The first account is the operator's.
        yield Site(house, house.signed_up("operator@example.org"))
        house.app.state.close()


def said(answer: Any) -> datetime:
    assert answer.status_code == 200, answer.text
    return parse_rfc3339(answer.json()["now"])


def test_thirty_days_of_timers_run_in_seconds_in_order_and_each_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
):
    leases: Counter[str] = Counter()
    lease = SagaRows.lease_command

    def counted(rows: SagaRows, connection: Any, lease_s: float) -> Any:
        leased = lease(rows, connection, lease_s)
        if leased is not None:
            leases[leased[0].command_id] += 1
        return leased

    monkeypatch.setattr(SagaRows, "lease_command", counted)
    offers = [site.upload(), site.upload()]
    began, before = time.monotonic(), utc_now()
    now = said(site.advance(MONTH_S))
    assert time.monotonic() - began < 90
    assert abs(now - before - STANDS) < timedelta(minutes=2)

    firings: list[tuple[datetime, datetime, int]] = []
    for offer in offers:
        uploaded, steps = offer_and_steps(site, offer)
        # A look each day, and on the thirtieth the end, before that day's look.
        assert [step.data.input.name for step in steps[1:]] == ["look"] * 29 + ["expiry"]
        assert steps[-1].data.memory == {"outcome": "expired"}
        due = [parse_rfc3339(step.data.input.at) for step in steps[1:]]
        assert due[-1] == uploaded.effective_at + STANDS
        for number, each in enumerate(due[:-1], 1):
            assert timedelta() <= each - uploaded.effective_at - number * DAY < DAY / 24
        firings += [
            (at, step.effective_at, step.position) for at, step in zip(due, steps[1:], strict=True)
        ]
        # What followed was done by a command of the same day, and before the next day came.
        asked = [e for e in site.stream(offer) if e.type == "asset.probe_requested"]
        assert len(asked) == 29
        for step, did, following in zip(steps[1:], asked, steps[2:], strict=False):
            assert step.effective_at <= did.effective_at < following.effective_at
            assert step.position < did.position < following.position
        assert site.stream(offer)[-1].type == "asset.rejected"
    # In due order, each fired within moments of its time as the domain sees it.
    firings.sort(key=lambda firing: firing[2])
    assert [due for due, _, _ in firings] == sorted(due for due, _, _ in firings)
    assert all(timedelta() <= at - due < timedelta(minutes=1) for due, at, _ in firings)
    assert len(leases) == 2 * 30
    assert set(leases.values()) == {1}
    for event in site.house.core.log.events.after(0, 1_000):
        assert event.recorded_at < utc_now(), "the database's clock was moved"


def offer_and_steps(site: Site, offer: AssetId) -> tuple[Any, list[Any]]:
    return site.stream(offer)[0], site.steps(offer)


def test_the_same_key_advances_once_and_goes_on_with_what_was_left(
    site: Site, monkeypatch: pytest.MonkeyPatch
):
    first = site.advance(3_600, key="an hour")
    again = site.advance(3_600, key="an hour")
    assert said(again) - said(first) < timedelta(minutes=1)
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert int(again.headers["Event-Position"]) == site.house.core.log.events.head()
    other = site.advance(3_601, key="an hour")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-mismatch")

    site.upload()
    with monkeypatch.context() as impatient:
        # It gives up while the upload is still read.
        impatient.setattr(advancing, "PATIENCE_S", 0.0)
        cut_short = site.advance(2 * 86_400, key="two days")
    assert (cut_short.status_code, cut_short.json()["code"]) == (503, "clock-waits")
    assert cut_short.json()["left_s"] == 2 * 86_400
    done = said(site.advance(2 * 86_400, key="two days"))
    assert abs(done - utc_now() - 2 * DAY - timedelta(hours=1)) < timedelta(minutes=1)


# --- without a worker: nothing is due -------------------------------------------------------------


@dataclass
class Alone:
    house: Any
    operator: TestClient
    advance = Site.advance


@pytest.fixture
def alone(installation: Installation, quick: None) -> Alone:
    return Alone(installation, installation.signed_up())


def test_two_advances_do_not_run_at_once(alone: Alone):
    with alone.house.pool.connection() as held:
        held.execute("SELECT pg_advisory_lock(%s)", (advancing.LOCK,))
        refused = alone.advance(1)
        held.execute("SELECT pg_advisory_unlock(%s)", (advancing.LOCK,))
    assert (refused.status_code, refused.json()["code"]) == (409, "clock-moving")
    assert said(alone.advance(1))


def test_what_is_no_time_to_advance_by_is_refused(alone: Alone):
    for advance_s in (0, -1, 0.0001, 366 * 86_400 + 1, "60", True, None):
        assert alone.advance(advance_s).status_code == 422, advance_s
    infinite = alone.operator.post(
        "/api/test/clock",
        content='{"advance_s": 1e400}',
        headers={"Content-Type": "application/json"},
    )
    assert infinite.status_code == 422
    assert alone.house.scalar("SELECT count(*) FROM clock_advances") == 0


def test_the_clock_goes_no_further_than_a_hundred_years(alone: Alone):
    with alone.house.pool.connection() as connection:
        whole = advancing.FURTHEST
        advances.move(connection, "cmd_before", whole, whole - DAY)
    refused = alone.advance(2 * 86_400)
    assert (refused.status_code, refused.json()["code"]) == (422, "clock-too-far")
    assert said(alone.advance(86_400))


def test_it_says_what_it_waits_for_when_nobody_does_what_is_due(
    alone: Alone, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(advancing, "STALLED_S", 0.05)
    with alone.house.pool.connection() as connection:
        connection.execute(
            "INSERT INTO saga_timers (stream_id, token, saga, due_at, tenant, set_by) VALUES"
            " ('ing_x', 'probe', 'ingest', clock_timestamp() + interval '1 hour', 'wsp_x', 'evt_x')"
        )
    waiting = alone.advance(7_200)
    assert (waiting.status_code, waiting.json()["code"]) == (503, "clock-waits")
    assert "1 timers" in waiting.json()["detail"]
    assert waiting.json()["left_s"] == pytest.approx(3_600, abs=60)


def test_the_command_line_advances_it_too(
    alone: Alone, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    settings = alone.house.core.settings
    monkeypatch.setattr(cli, "load_settings", lambda: settings)
    cli.advance(86_400, json=True)
    now = parse_rfc3339(json.loads(capsys.readouterr().out)["now"])
    assert abs(now - utc_now() - DAY) < timedelta(minutes=1)
    with pytest.raises(BadParameter, match=r"0\.001 to"):
        cli.advance(-1)
    live = settings.model_copy(update={"mail_server": "mail.example:25"})
    monkeypatch.setattr(cli, "load_settings", lambda: live)
    with pytest.raises(ClockIsReal, match="mail"):
        cli.advance(1)


def test_only_operators_advance_it(alone: Alone):
    other = alone.house.signed_up()
    body = {"advance_s": 1}
    assert other.post("/api/test/clock", json=body).status_code == 403
    assert alone.house.browser().post("/api/test/clock", json=body).status_code == 401


# --- live credentials -----------------------------------------------------------------------------


def test_where_anything_is_live_there_is_no_such_route_and_no_advanced_log(
    database: Database, tmp_path: Path
):
    live = {"mail_server": "mail.example:25"}
    with open_installation(database, tmp_path / "live", **live) as opened:
        operator = opened.signed_up()
        answer = operator.post("/api/test/clock", json={"advance_s": 1})
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
        assert type(opened.log.clock) is MachineClock
    with open_installation(database, tmp_path / "test") as opened:
        operator = opened.browser()
        with opened.pool.connection() as connection:
            advances.move(connection, "cmd_1", DAY, DAY)
        assert opened.log.clock.now() - utc_now() > DAY / 2
    with (
        pytest.raises(ClockWasAdvanced, match=r"mail.*--data"),
        open_installation(database, tmp_path / "live", **live),
    ):
        pass
