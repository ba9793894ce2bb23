"""Whatever stands in the rows of waiting work, the runners go on and the good row is done."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.ids import IngestId
from processors import wake as waking
from processors.sagas.dispatcher import Dispatcher
from processors.sagas.timers import Timers
from processors.wake import CHANNEL, Wake, WorkTail
from runtime.areas import HANDLERS
from tests.conftest import Database
from tests.integration.sagas.ingests import SAGAS, Ingests, poll
from tests.integration.sagas.test_dispatcher import with_a_probe_requested_again
from tests.integration.sagas.test_effects import Reading, runner_of, want

# `./noculture test long` asks for more.
EXAMPLES = int(os.environ.get("NOCULTURE_EXAMPLES", "12"))
any_rows = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
# Before all others, in a year that Python has not, never.
DUE = st.sampled_from(
    ["-infinity", "4713-01-01 BC", "2000-01-01", "now", "200000-01-01", "infinity"]
)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
INTEGERS = st.integers(-(2**31), 2**31 - 1) | st.sampled_from([-1, 0, 10**9, 2**31 - 1])
BIGINTS = st.integers(-(2**63), 2**63 - 1) | st.integers(-1, 5)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
).map(json.dumps) | st.sampled_from(["9" * 5_000, "[" * 1_500 + "]" * 1_500])


def rows(*columns: st.SearchStrategy[Any]) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    return st.lists(st.tuples(*columns), min_size=1, max_size=4)


def done_within(steps: int, one: Callable[[], bool], done: Callable[[], bool]) -> bool:
    """Nothing that `one` raises is caught here."""
    for _ in range(steps):
        one()
        if done():
            return True
    return False


def write(ingests: Ingests, insert: str, given_rows: Sequence[tuple[Any, ...]]) -> None:
    for row in given_rows:
        ingests.do(insert, *row)


def empty(ingests: Ingests) -> None:
    for table in ("saga_commands", "saga_timers", "effects"):
        ingests.do(f"DELETE FROM {table}")


COMMANDS = (
    "INSERT INTO saga_commands (command_id, saga, stream_id, name, body, tenant, correlation_id,"
    " causation_id, attempts, error, due_at) VALUES (%s, %s, %s, %s, %s::jsonb, %s, %s, %s, %s,"
    " %s, %s::timestamptz) ON CONFLICT DO NOTHING"
)


@any_rows
@given(
    given_rows=rows(
        TEXTS,
        TEXTS | st.sampled_from(sorted(SAGAS)),
        TEXTS | st.builds(IngestId.new),
        TEXTS | st.sampled_from(sorted(HANDLERS)),
        JSON,
        TEXTS,
        TEXTS,
        TEXTS,
        INTEGERS,
        st.none() | TEXTS,
        DUE,
    ),
    well_formed=st.booleans(),
)
def test_commands(ingests: Ingests, given_rows: list[tuple[Any, ...]], well_formed: bool):
    """`well_formed` rows hold the good command's own body, for a tenant that is nobody's."""
    empty(ingests)
    asset_id = with_a_probe_requested_again(ingests)
    ((good, name, body),) = ingests.rows("SELECT command_id, name, body::text FROM saga_commands")
    if well_formed:
        given_rows = [(*row[:3], name, body, *row[5:]) for row in given_rows]
    write(ingests, COMMANDS, given_rows)
    waits = "SELECT 1 FROM saga_commands WHERE command_id = %s"
    dispatcher = ingests.dispatcher()
    assert done_within(
        3 * len(given_rows) + 3, dispatcher.send_one, lambda: not ingests.rows(waits, good)
    )
    assert "asset.probe_requested" in ingests.types(asset_id)
    # Whatever was due is gone, or says what is wrong and waits.
    untried = (
        "SELECT 1 FROM saga_commands WHERE error IS NULL AND due_at < clock_timestamp()"
        " AND command_id = ANY(%s)"
    )
    ids = [row[0] for row in given_rows]
    assert done_within(
        3 * len(ids) + 3, dispatcher.send_one, lambda: not ingests.rows(untried, ids)
    )


TIMERS = (
    "INSERT INTO saga_timers (stream_id, token, saga, due_at, tenant, correlation_id, set_by)"
    " VALUES (%s, %s, %s, %s::timestamptz, %s, %s, %s) ON CONFLICT DO NOTHING"
)


@any_rows
@given(
    given_rows=rows(
        TEXTS | st.builds(IngestId.new) | st.just("an asset"),
        TEXTS | st.sampled_from(["probe", "analysis"]),
        TEXTS | st.sampled_from(sorted(SAGAS)),
        DUE,
        TEXTS,
        st.none() | TEXTS,
        st.none() | TEXTS,
    )
)
def test_timers(ingests: Ingests, given_rows: list[tuple[Any, ...]]):
    empty(ingests)
    ingests.position = ingests.log.events.head()
    asset_id = ingests.upload()
    ingests.feed()
    ingests.let_time_pass()
    write(
        ingests,
        TIMERS,
        [(asset_id if row[0] == "an asset" else row[0], *row[1:]) for row in given_rows],
    )
    assert done_within(
        3 * len(given_rows) + 3,
        ingests.timers().fire_one,
        lambda: ingests.steps(asset_id) == ["Probing", "Probing"],
    )


EFFECTS = (
    "INSERT INTO effects (effect, event_id, position, due_at, leases, failures, error,"
    " correlation_id, rank) VALUES ('reading', %s, %s, %s::timestamptz, %s, %s, %s, %s, %s)"
    " ON CONFLICT DO NOTHING"
)


@any_rows
@given(
    given_rows=rows(
        TEXTS | st.just("the first"),
        BIGINTS,
        DUE,
        INTEGERS,
        INTEGERS,
        st.none() | TEXTS,
        st.none() | TEXTS,
        st.integers(-(2**15), 2**15 - 1),
    )
)
def test_effects(ingests: Ingests, given_rows: list[tuple[Any, ...]]):
    empty(ingests)
    ingests.position = 0
    effect, asset_id = Reading(), ingests.upload()
    want(ingests, effect)
    (first,) = ingests.log.events.after(0, 1)
    ingests.do("DELETE FROM effects WHERE position < %s", ingests.log.events.head())
    write(
        ingests,
        EFFECTS,
        [(first.event_id if row[0] == "the first" else row[0], *row[1:]) for row in given_rows],
    )
    assert done_within(
        3 * len(given_rows) + 3,
        runner_of(ingests, effect).work_one,
        lambda: ingests.types(asset_id) == ["asset.uploaded", "asset.verified"],
    )


@settings(any_rows, max_examples=3)
@given(payloads=st.lists(TEXTS, min_size=4, max_size=8))
def test_what_a_process_is_told(ingests: Ingests, database: Database, payloads: list[str]):
    woken = Wake()
    stop, raised = threading.Event(), []

    def run() -> None:
        try:
            WorkTail(database.app_url, {"good": woken}).run(stop)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        poll(lambda: woken.sets > 0)  # it listens
        seen = woken.sets
        for payload in (*payloads, "good"):
            ingests.do("SELECT pg_notify(%s, %s)", CHANNEL, payload)
        poll(lambda: woken.sets > seen)
    finally:
        stop.set()
        thread.join(30)
    assert raised == []


def test_all_runners_at_once_go_on_beside_rows_that_nobody_can_digest(
    ingests: Ingests, monkeypatch: pytest.MonkeyPatch
):
    """As a process runs them, by `run`."""
    monkeypatch.setattr(waking, "LOOK_S", 0.05)
    effect, asset_id = Reading(), ingests.upload()
    write(
        ingests,
        COMMANDS,
        [
            (f"cmd_{n}", "", "", name, body, "", "", "", 10**9, None, "-infinity")
            for n, (name, body) in enumerate([("RequestProbe", "[]"), ("\u2028", "9" * 5_000)])
        ],
    )
    write(ingests, TIMERS, [(asset_id, "probe", "ingest", "-infinity", "", None, None)])
    write(ingests, EFFECTS, [("evt_x", 7, "-infinity", -7, -7, None, None, -9)])
    want(ingests, effect)
    dispatcher = Dispatcher(
        ingests.commands, SAGAS, HANDLERS, ingests.log, ingests.pool, ingests.codec, Wake()
    )
    timers = Timers(SAGAS, ingests.log, ingests.pool, ingests.codec, Wake())
    runner = runner_of(ingests, effect)
    stop, raised = threading.Event(), []

    def guarded(run: Callable[[threading.Event], None]) -> None:
        try:
            run(stop)
        except BaseException as error:
            raised.append(error)

    threads = [
        threading.Thread(target=guarded, args=(each.run,)) for each in (dispatcher, timers, runner)
    ]
    for thread in threads:
        thread.start()
    try:
        poll(lambda: "asset.verified" in ingests.types(asset_id))
        ingests.feed()
        poll(lambda: "RequestAnalysis" not in ingests.commands_waiting())
        poll(lambda: len(ingests.rows("SELECT 1 FROM saga_commands WHERE error <> ''")) == 2)
        poll(lambda: timers.failing is not None)
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert raised == []
