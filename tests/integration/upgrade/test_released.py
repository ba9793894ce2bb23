"""What a released version has stored is read, gone on with and answered by this program.

The fixtures are written by `python -m tests.released.write`; docs/development.md says when.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest
from starlette.testclient import TestClient

from tests.integration.upgrade.conftest import Released
from tests.released.fixture import ROOT, read_json, read_records, read_view, view_text
from tests.released.people import Asked
from tests.released.product import (
    Product,
    from_record,
    partition_of,
    read_checkpoint,
    read_progress,
    shape_now,
    source_of,
)

VIEWS = sorted({file.name.partition(".")[0] for file in ROOT.glob("*/views/*.txt.xz")})
SAGAS = ("erasing", "ingest", "reanalysing", "remeasuring")
EVENTS, RELAY, CHECKPOINTS = "noculture.events.", "noculture.relay", "noculture.log.checkpoints"


def route(asked: dict[str, Any]) -> str:
    return f"{asked['method']} {re.sub('[a-z]{3}_[0-9a-f]{32}', '{id}', asked['path'])}"


@cache
def commands_of(folder: Path) -> list[dict[str, Any]]:
    asked: list[dict[str, Any]] = read_json(folder, "commands")
    return asked


@cache
def records_of(folder: Path) -> list[dict[str, Any]]:
    return read_records(folder)


ROUTES = sorted({route(asked) for folder in ROOT.iterdir() for asked in commands_of(folder)})


# --- the log ------------------------------------------------------------------------------------


def test_every_stored_event_is_decoded(stored: Product, released: Released) -> None:
    envelopes = stored.envelopes()
    assert len(envelopes) == released.story["head"]
    assert [e.type for e in envelopes if stored.decode(e) is None] == []


def test_personal_values_are_read_unless_their_subject_was_erased(
    stored: Product, released: Released
) -> None:
    gone = released.story["people"]["dora"]["account_id"]
    seen = Counter()
    for envelope in stored.envelopes():
        for name, value in json.loads(envelope.data).items():
            if isinstance(value, dict) and "ciphertext" in value:
                erased = value["subject"] == gone
                plain = getattr(stored.decode(envelope).data, name)
                assert (plain is None) == erased, (envelope.type, name)
                seen[erased] += 1
    assert seen[True] > 0
    assert seen[False] > 0


def test_the_log_verifies_against_its_signed_checkpoints(
    stored: Product, released: Released
) -> None:
    verified = stored.verify()
    assert verified.ok, verified.reason
    assert (verified.events, verified.checkpoints) == (released.story["head"], 1)


def test_every_record_of_the_topics_is_its_event_in_the_store(
    stored: Product, released: Released
) -> None:
    source = source_of(*stored.core.log.events.log_identity())
    by_position = {envelope.position: envelope for envelope in stored.envelopes()}
    read: list[int] = []
    for record in of_topics(released, EVENTS):
        headers = [(name, value.encode()) for name, value in record["headers"]]
        envelope = from_record(record["topic"], record["value"].encode(), headers)
        assert envelope == by_position[envelope.position]
        assert partition_of(envelope) == (record["topic"], record["partition"])
        assert record["key"] == envelope.stream_id
        assert dict(headers)["ce_source"].decode() == source
        read.append(envelope.position)
    assert sorted(read) == sorted(by_position)


def test_the_relays_progress_and_the_signed_checkpoints_are_read_from_their_topics(
    stored: Product, released: Released
) -> None:
    source = source_of(*stored.core.log.events.log_identity())
    progress = read_progress(of_topics(released, RELAY)[-1]["value"].encode(), source)
    assert progress.position == released.story["head"]
    signed = read_checkpoint(json.loads(of_topics(released, CHECKPOINTS)[-1]["value"]))
    assert signed.size == released.story["head"]


def of_topics(released: Released, prefix: str) -> list[dict[str, Any]]:
    return [each for each in records_of(released.folder) if each["topic"].startswith(prefix)]


# --- what is made of the log --------------------------------------------------------------------


def test_every_consumer_is_known_and_stands_where_it_stood(
    stored: Product, released: Released
) -> None:
    known, story = stored.consumers(), released.story
    unknown = [name for name, version in story["consumers"].items() if known.get(name, 0) < version]
    assert unknown == []
    assert stored.positions() == story["positions"]
    assert min(story["positions"].values()) < story["head"]


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_rebuilt_byte_for_byte(stored: Product, released: Released, view: str) -> None:
    rebuilt = stored.rebuild(view)
    assert rebuilt.events > 0
    if released.story["consumers"][view] == stored.consumers()[view]:
        assert rebuilt.identical
        with psycopg.connect(stored.database.owner_url) as connection:
            assert view_text(connection, view) == read_view(released.folder, view)


SNAPSHOTS = "SELECT stream_id, module, shape, stream_version FROM snapshots ORDER BY stream_id"


def test_a_snapshot_of_the_same_rules_is_read(stored: Product) -> None:
    rows = stored.rows(SNAPSHOTS)
    assert {stream[:3] for stream, *_ in rows} == {"ast", "col"}
    same = [row for row in rows if row[2] == shape_now(row[0])]
    if not same:
        pytest.skip("the rules of all snapshots have changed since")
    for stream, _, _, version in same:
        loaded = stored.load(stream)
        assert loaded.snapshot == version, stream
        assert loaded.version > version


def test_a_snapshot_of_other_rules_is_replaced_where_it_lies(stored: Product) -> None:
    """A name that changed would leave the stored one there for good."""
    before = stored.rows(SNAPSHOTS)
    states = {stream: stored.load(stream).state for stream, *_ in before}
    stored.execute("UPDATE snapshots SET shape = 'of other rules'")
    for stream, *_ in before:
        assert stored.load(stream).state == states[stream]
    after = stored.rows(SNAPSHOTS)
    assert [row[:2] for row in after] == [row[:2] for row in before]
    assert [shape for _, _, shape, _ in after] == [shape_now(stream) for stream, *_ in after]


# --- going on -----------------------------------------------------------------------------------


@pytest.mark.parametrize("saga", SAGAS)
def test_a_saga_that_was_half_way_comes_to_its_end(
    continued: Product, released: Released, saga: str
) -> None:
    half_way = {s: said for s, said in released.story["sagas"].items() if said["saga"] == saga}
    assert half_way
    for stream, said in half_way.items():
        ended = json.loads(continued.core.log.events.stream(stream)[-1].data)
        found = (ended["state"], ended["memory"].get("outcome"))
        assert found == ("Ended", said["must"]), (stream, said)


def test_nothing_that_was_waiting_is_left(continued: Product, released: Released) -> None:
    """Nor a mail, which by now is too late to be sent."""
    assert released.story["waiting"]
    assert released.story["unsent"]
    for table in ("effects", "saga_commands", "saga_timers", "parked_streams"):
        assert continued.rows(f"SELECT * FROM {table}") == []
    assert continued.rows("SELECT name, stopped FROM consumers WHERE stopped IS NOT NULL") == []


def test_nothing_that_was_taken_before_is_taken_again(
    continued: Product, released: Released
) -> None:
    """Consumers go on from their checkpoints: the sagas that had ended took no further step."""
    head = released.story["head"]
    moved = {
        envelope.stream_id
        for envelope in continued.envelopes()
        if envelope.position > head and envelope.type.endswith(".stepped")
    }
    begun_since = {
        stream
        for stream in moved
        if continued.core.log.events.stream(stream, limit=1)[0].position > head
    }
    sagas = released.story["sagas"].items()
    assert moved - begun_since == {stream for stream, said in sagas if said["stands"]}


def test_who_was_half_erased_has_a_certificate(continued: Product) -> None:
    erasures = continued.rows("SELECT stream_id FROM events WHERE type = 'erasure.requested'")
    assert len(erasures) == 3
    for (erasure,) in erasures:
        answer = continued.browser().get(f"/api/erasures/{erasure}")
        assert answer.json()["state"] == "erased", answer.text


def test_the_log_verifies_after_going_on(continued: Product, released: Released) -> None:
    verified = continued.verify()
    assert verified.ok, verified.reason
    assert verified.events > released.story["head"]


def test_every_view_is_the_same_when_rebuilt_after_going_on(continued: Product) -> None:
    assert [view for view in VIEWS if not continued.rebuild(view).identical] == []


# --- answering ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clients(stored: Product, released: Released) -> dict[str | None, TestClient]:
    """Everybody who asked for something, signed in anew; None is a stranger."""
    found: dict[str | None, TestClient] = {None: stored.browser()}
    asking = {asked["who"] for asked in commands_of(released.folder)}
    for person in released.story["people"].values():
        if person["email"] in asking:
            client = found[person["email"]] = stored.browser()
            body = {"email": person["email"], "password": person["password"]}
            assert client.post("/api/sessions", json=body).status_code == 201
    return found


@pytest.mark.parametrize("path", ROUTES)
def test_a_repeated_command_is_answered_as_before(
    stored: Product, released: Released, clients: dict[str | None, TestClient], path: str
) -> None:
    commands = [Asked(**each) for each in commands_of(released.folder) if route(each) == path]
    for asked in commands:
        head = stored.head()
        answer = asked.send(clients[asked.who])
        assert answer == asked.repeated
        assert answer["headers"]["Idempotent-Replayed"] == "true"
        assert stored.head() == head


def test_a_command_with_another_input_is_no_repetition(
    released: Released, clients: dict[str | None, TestClient]
) -> None:
    """The stored input hash is compared, under the installation's own key."""
    asked = next(
        Asked(**e) for e in commands_of(released.folder) if e["path"] == "/api/collections"
    )
    asked.json = {**asked.json, "name": "Another"}
    assert asked.send(clients[asked.who])["status"] == 422
