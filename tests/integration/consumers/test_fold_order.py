"""The fold rule of every read model: however streams interleave, in whatever batches, with batches
that were rolled back and came again, its table holds the same bytes.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from events.envelope import Envelope, Recorded
from events.ids import CommandId, CorrelationId, EventId
from events.model import Event
from events.vault.analysis import AnalysisRequested
from events.vault.asset import AssetUploaded
from processors.consumers.merging import OrderWouldMatter
from processors.consumers.projection import ProjectionConsumer
from processors.consumers.views import create_build, same_bytes
from projections.projection import Projection, Rows
from runtime.areas import VIEWS
from runtime.consumers import views
from schemas.examples import all_examples
from tests.golden import RECORDED_AT
from tests.integration.consumers.support import Counts, Shelf

WORLDS, COPIES, ORDERS = 4, 3, 8
# What a variant of an example may say otherwise without ceasing to be valid.
_TEXTS = ("filename", "title", "artist", "name", "reason", "code")
_NUMBERS = ("attempt", "size_bytes", "duration_s", "energy", "year", "tempo_bpm")


class OrderDependent(
    Shelf, name="shelf", version=1, categories=("analysis", "asset"), holds=Shelf.holds
):
    """Two streams write one column: whoever comes last wins."""

    def fold(self, rows: Rows, event: Recorded) -> None:
        super().fold(rows, event)
        if isinstance(event.data, AssetUploaded | AnalysisRequested):
            rows.upsert(event.data.asset_id, filename=event.type)


class SetsWhatIsAdded(
    Counts, name="counts", version=1, categories=("analysis", "asset"), holds=Counts.holds
):
    """A sum begins anew with an event of another stream."""

    def fold(self, rows: Rows, event: Recorded) -> None:
        super().fold(rows, event)
        if isinstance(event.data, AnalysisRequested):
            rows.upsert((event.data.workspace_id, "all"), uploads=0)


class DeletesRowsOfOthers(
    Counts, name="counts", version=1, categories=("analysis", "asset"), holds=Counts.holds
):
    """The rows that an asset deletes by its id are written by its analysis too."""

    def fold(self, rows: Rows, event: Recorded) -> None:
        super().fold(rows, event)
        if isinstance(event.data, AnalysisRequested):
            rows.upsert((event.data.asset_id, "analysis"), filename=event.type)


# Composition takes every registered projection.
del Projection.registered["shelf"], Projection.registered["counts"]


def samples(categories: Sequence[str]) -> list[Recorded]:
    """The log of a few worlds: every example of these categories some times, in slightly different
    words, each stream in an order of its own.
    """
    chance, log = random.Random(5), []
    versions: dict[str, int] = defaultdict(int)
    wanted = [event for event in all_examples() if event.category in categories]
    todo = [(event, world) for event in wanted for world in range(WORLDS)] * COPIES
    chance.shuffle(todo)
    for position, (example, world) in enumerate(todo, 1):
        event = variant(example, world, position)
        fields = event.model_dump(mode="json")
        stream = fields.get(f"{event.category}_id") or f"{event.category[:3]}_{world:032x}"
        versions[stream] += 1
        log.append(recorded(event, stream, versions[stream], position))
    return log


def variant(example: Event, world: int, number: int) -> Event:
    text = example.model_dump_json().replace("0198000000007000", f"0198{world:08x}7000")

    def vary(value: object, name: str = "") -> object:
        match value:
            case dict():
                return {key: vary(each, key) for key, each in value.items()}
            case str() if name in _TEXTS:
                return f"{value[:20]} {number % 7}"
            case int() | float() if name in _NUMBERS and not isinstance(value, bool):
                return value + number % 7
        return value

    return type(example).model_validate(vary(json.loads(text)))


def recorded(event: Event, stream: str, version: int, position: int) -> Recorded:
    fields = event.model_dump(mode="json")
    moment = RECORDED_AT + timedelta(seconds=position)
    envelope = Envelope(
        position=position,
        event_id=EventId.derived("fold", position),
        stream_id=stream,
        stream_version=version,
        category=event.category,
        type=event.type,
        version=event.version,
        recorded_at=moment,
        effective_at=moment,
        actor=None,
        tenant=fields.get("workspace_id") or "wsp_" + "0" * 32,
        correlation_id=CorrelationId.derived("fold"),
        causation_id=None,
        command_id=CommandId.derived("fold", position),
        hash=b"\x00" * 32,
        data=event.model_dump_json().encode(),
    )
    return Recorded(envelope, event)


def interleaved(log: Sequence[Recorded], chance: random.Random) -> list[Recorded]:
    """Each stream in its order, the streams at random; some of them late as a whole, as parked ones
    are.
    """
    streams: dict[str, list[Recorded]] = defaultdict(list)
    for event in log:
        streams[event.stream_id].append(event)
    late = [stream for stream in streams if chance.random() < 0.2]
    order = []
    for names in ([s for s in streams if s not in late], late):
        lanes = [name for name in names for _ in streams[name]]
        chance.shuffle(lanes)
        waiting = {name: iter(streams[name]) for name in names}
        order += [next(waiting[name]) for name in lanes]
    return order


def fold(
    pool: ConnectionPool, view: Projection, build: int, log: Sequence[Recorded], seed: int
) -> str:
    """Into a table of its own; answers its schema. Seed 0 is the log's own order, one batch."""
    chance = random.Random(seed)
    todo = interleaved(log, chance) if seed else list(log)
    consumer = ProjectionConsumer(view)
    with pool.connection() as connection:
        schema = create_build(connection, view, build)
        consumer.use_build(build)
        while todo:
            size = chance.randint(1, 25) if seed else len(todo)
            batch, todo = todo[:size], todo[size:]
            if seed and chance.random() < 0.3:
                with connection.transaction():
                    consumer.apply(connection, batch)
                    raise psycopg.Rollback
            with connection.transaction():
                consumer.apply(connection, batch)
    return schema


def all_the_same(pool: ConnectionPool, view: Projection) -> bool:
    log = samples(view.categories)
    schemas = [fold(pool, view, 100 + seed, log, seed) for seed in range(ORDERS)]
    with pool.connection() as connection:
        (rows,) = connection.execute(f"SELECT count(*) FROM {schemas[0]}.{view.name}").fetchone()
        assert rows > 0, "the samples say nothing to this view"
        return all(same_bytes(connection, view.name, schemas[0], each) for each in schemas[1:])


def test_every_registered_read_model_is_held_to_the_rule():
    assert set(Projection.registered) == {view.name for view in VIEWS}


@pytest.mark.parametrize("name", sorted(Projection.registered))
def test_any_interleaving_in_any_batches_gives_the_same_bytes(name: str, pool: ConnectionPool):
    view = next(each for each in views() if each.name == name)
    missing = set(view.categories) - {event.category for event in all_examples()}
    assert not missing, f"no example is an event of {missing}: {name} is not tested"
    assert all_the_same(pool, view)


def test_a_fold_that_depends_on_the_order_is_caught(pool: ConnectionPool):
    assert all_the_same(pool, Shelf())
    with pool.connection() as connection:
        for seed in range(ORDERS):
            connection.execute(f"DROP SCHEMA view_shelf_1_{100 + seed} CASCADE")
    assert not all_the_same(pool, OrderDependent())


def test_sums_greatest_values_and_deletes_by_prefix_do_not_depend_on_the_order(
    pool: ConnectionPool,
):
    assert all_the_same(pool, Counts())
    with pool.connection() as connection:
        (merged, kept) = connection.execute(
            "SELECT count(*) FILTER (WHERE last_at IS NOT NULL AND megabytes > 0),"
            " count(*) FILTER (WHERE owner LIKE 'ast%') FROM view_counts_1_100.counts"
        ).fetchone()
    assert merged, "the samples merge nothing"
    assert kept, "all that the samples upload is deleted"


def test_deleting_what_another_stream_writes_is_caught(pool: ConnectionPool):
    assert not all_the_same(pool, DeletesRowsOfOthers())


def test_setting_what_another_event_adds_to_is_refused(pool: ConnectionPool):
    with pytest.raises(OrderWouldMatter, match="uploads"):
        all_the_same(pool, SetsWhatIsAdded())
