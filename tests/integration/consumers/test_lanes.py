"""Two workers' lanes on real checkpoints, moved one step at a time in any order.

Whatever is killed, taken over, stopped or brought up, every consumer applies every event once, in
its stream's order.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from contextlib import suppress

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from events.envelope import Envelope, Recorded
from events.log.partitions import LogPartition, partition_of, partitions_of
from events.log.port import Checkpoint, LogItem
from events.store.postgres import PostgresEvents
from processors.consumers import catcher, joining, lane
from processors.consumers.catcher import Catcher
from processors.consumers.checkpoints import CheckpointMoved, fronts, give_up, rows_on
from processors.consumers.consumer import Consumer
from processors.consumers.lane import Lane, Neighbours
from processors.consumers.registry import register
from processors.consumers.replay import replay
from processors.consumers.reports import Reports
from tests.integration.consumers.support import Writer, codec_of

LANE, TOPIC_ID = "processor", "one"
SCHEDULES, ACTIONS, SEED = 40, 80, 20_261_130


class Crash(BaseException):
    """What kill -9 is to the code under way: no handler of ours sees it."""


class Counts(Consumer):
    """Notes every event that it is given, in the order in which it is given them."""

    kind, batch_size = "processor", 7
    # What befalls whoever calls it next, in whichever lane or catcher.
    strike: str | None = None
    # Digests nothing, until somebody has helped it.
    broken = False

    def __init__(self, name: str, categories: tuple[str, ...], *, money: bool = False) -> None:
        self.name, self.categories, self.money = name, categories, money

    def apply(self, connection: psycopg.Connection, events: Sequence[Recorded]) -> None:
        strike = Counts.strike
        if self.money and Counts.broken:
            raise ValueError("broken")
        if strike in ("chokes", "before the commit"):
            Counts.strike = None
            raise ValueError("chokes") if strike == "chokes" else Crash
        connection.cursor().executemany(
            "INSERT INTO counted (consumer, position) VALUES (%s, %s)",
            [(self.name, event.position) for event in events],
        )

    def committed(self) -> None:
        if Counts.strike == "after the commit":
            Counts.strike = None
            raise Crash


CONSUMERS = (("both", ("analysis", "asset")), ("money", ("asset",)), ("some", ("analysis",)))
PARTITIONS = [*partitions_of("analysis"), *partitions_of("asset")]


def counters() -> list[Counts]:
    return [Counts(name, categories, money=name == "money") for name, categories in CONSUMERS]


class Worker:
    """A lane with its catcher, and how far its reader has read each partition."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool, codec, reports = pool, codec_of(pool), Reports(pool)
        self.stop = threading.Event()
        self.lane = Lane(
            *(LANE, counters(), pool, codec, reports),
            Neighbours(self.rewind, lambda: None, self._no_split, lambda name: None),
        )
        self.share: frozenset[LogPartition] = frozenset()
        self.catcher = Catcher(
            *(counters(), [self.lane], PARTITIONS, lambda: self.share, pool, codec, reports),
            lambda stop: None,
        )
        self.read: dict[LogPartition, int] = {}

    def assign(self, partitions: frozenset[LogPartition]) -> None:
        """As the group says it: what is new is read from the rows."""
        places = self._places()
        for partition in partitions - self.share:
            self.read[partition] = places[partition].position
        self.share = partitions
        self.lane.share(partitions)

    def rewind(self) -> None:
        self.read = {p: place.position for p, place in self._places().items()}

    def deliver(self, log: Sequence[Envelope], chance: random.Random) -> None:
        """The next events of some partitions."""
        for partition in chance.sample(sorted(self.share), len(self.share) // 2):
            new = [e for e in log if partition_of(e) == partition]
            new = [e for e in new if e.position > self.read.get(partition, 0)]
            for event in new[: chance.randint(1, 5)]:
                at = Checkpoint(event.position, event.position, TOPIC_ID)
                after = self.read.get(partition, 0)
                self.lane.give([LogItem(event, partition, at, after=after)])
                self.read[partition] = event.position

    def turn(self) -> None:
        with suppress(CheckpointMoved):
            try:
                self.lane.turn(self.stop)
            except BaseException:
                self.lane._stale = True
                raise

    def catch(self) -> None:
        self.catcher._retry_at.clear()
        self.catcher._bring_to_lanes(self.stop)

    def _places(self) -> dict[LogPartition, Checkpoint]:
        with self._pool.connection() as connection:
            return fronts(rows_on(connection, PARTITIONS), LANE)

    @staticmethod
    def _no_split(lane: Lane, consumer: Consumer) -> None:
        raise AssertionError("nobody is heavy here")


class World:
    def __init__(self, pool: ConnectionPool, writer: Writer, seed: str) -> None:
        self._pool, self._writer, self._chance = pool, writer, random.Random(seed)
        self.workers = [Worker(pool), Worker(pool)]
        self._split()

    def act(self) -> None:
        worker = self._chance.choice(self.workers)
        action = self._chance.choices(
            (
                *(self._write, self._split, self._deliver, self._turn, self._catch),
                *(self._leave, self._break, self._forget),
            ),
            (4, 1, 6, 8, 3, 1, 1, 1),
        )[0]
        Counts.strike = self._chance.choice(
            (None, None, None, None, "chokes", "before the commit", "after the commit")
        )
        try:
            action(worker)
        except Crash:
            # The process is gone, and its partitions go to a new one.
            number = self.workers.index(worker)
            self.workers[number] = Worker(self._pool)
            self.workers[number].assign(worker.share)
        finally:
            Counts.strike = None

    def finish(self) -> None:
        """Everything to the first worker; nothing is struck any more."""
        Counts.broken = False
        first, second = self.workers
        second.assign(frozenset())
        first.assign(frozenset(PARTITIONS))
        first.rewind()
        for _ in range(60):
            first.deliver(self._log(), self._chance)
            first.turn()
            first.catch()
            if self._is_done():
                # Who choked at a single event has parked its stream.
                for consumer in counters():
                    assert not replay(self._pool, consumer, codec_of(self._pool)).failed
                return
        raise AssertionError("it does not come to an end")

    def _is_done(self) -> bool:
        with self._pool.connection() as connection:
            rows = rows_on(connection, PARTITIONS)
        heads = {partition_of(event): event.position for event in self._log()}
        return all(row.at.position >= heads.get(row.partition, 0) for row in rows)

    def _write(self, _: Worker) -> None:
        self._writer.lives(self._chance.randint(1, 3), seed=self._chance.getrandbits(32))

    def _split(self, _: Worker | None = None) -> None:
        """The group gives everything to somebody; who has lost something may not know it yet."""
        ours = frozenset(p for p in PARTITIONS if self._chance.random() < 0.5)
        for worker, share in zip(self.workers, (ours, frozenset(PARTITIONS) - ours), strict=True):
            if self._chance.random() < 0.7:
                worker.assign(share)

    def _deliver(self, worker: Worker) -> None:
        worker.deliver(self._log(), self._chance)

    def _turn(self, worker: Worker) -> None:
        worker.turn()

    def _catch(self, worker: Worker) -> None:
        worker.catch()

    def _leave(self, worker: Worker) -> None:
        """As a worker does whose consumer cannot go on."""
        name = self._chance.choice(CONSUMERS)[0]
        with self._pool.connection() as connection:
            give_up(connection, name, LANE)

    def _break(self, _: Worker) -> None:
        """A money consumer stops at its next event, or is helped."""
        Counts.broken = not Counts.broken

    def _forget(self, worker: Worker) -> None:
        """What was given to the lane is gone, and its reader goes on."""
        worker.lane._items.clear()

    def _log(self) -> list[Envelope]:
        return PostgresEvents(self._pool).after(0, 100_000)


@pytest.fixture
def counted(pool: ConnectionPool) -> ConnectionPool:
    with pool.connection() as connection:
        connection.execute(
            "CREATE TABLE counted (number bigserial, consumer text, position bigint)"
        )
    return pool


@pytest.mark.parametrize("number", range(SCHEDULES))
def test_in_any_order_every_consumer_applies_every_event_once(
    counted: ConnectionPool, writer: Writer, number: int, monkeypatch: pytest.MonkeyPatch
):
    # Small, so that who is behind takes every way there is.
    monkeypatch.setattr(lane, "WAIT_S", 0.0)
    monkeypatch.setattr(joining, "CLOSE", 4)
    monkeypatch.setattr(catcher, "CLOSE", 4)
    monkeypatch.setattr(catcher, "PAGE", 3)
    monkeypatch.setattr(Counts, "broken", False)
    for consumer in counters():
        partitions = [p for category in consumer.categories for p in partitions_of(category)]
        register(counted, consumer, partitions)
    world = World(counted, writer, f"{SEED}/{number}")
    for _ in range(ACTIONS):
        world.act()
    world.finish()
    streams = {e.position: (e.stream_id, e.category) for e in world._log()}
    with counted.connection() as connection:
        rows = connection.execute("SELECT consumer, position FROM counted ORDER BY number")
        given = rows.fetchall()
    for name, categories in CONSUMERS:
        positions = [position for consumer, position in given if consumer == name]
        wanted = [p for p, (_, category) in streams.items() if category in categories]
        assert sorted(positions) == wanted
        by_stream: dict[str, int] = {}
        for position in positions:
            stream = streams[position][0]
            assert by_stream.get(stream, 0) < position, "out of its stream's order"
            by_stream[stream] = position


def test_who_has_not_begun_is_left_to_a_lane_that_may_be_about_to_take_it(
    counted: ConnectionPool, writer: Writer, monkeypatch: pytest.MonkeyPatch
):
    """Regression: a catcher that did not know its share yet took new consumers before their lanes
    did. Of a million events the timeline had a quarter after twelve minutes, by a lane all of them.
    """
    for consumer in counters():
        partitions = [p for category in consumer.categories for p in partitions_of(category)]
        register(counted, consumer, partitions)
    worker = Worker(counted)
    writer.lives(2)
    heads = {partition_of(event): event.position for event in worker.catcher._store.after(0, 100)}
    with counted.connection() as connection:
        connection.cursor().executemany(
            "INSERT INTO relay_heads (topic, partition, last_position) VALUES (%s, %s, %s)",
            [(*partition, position) for partition, position in heads.items()],
        )

    def moved() -> set[int]:
        with counted.connection() as connection:
            return {row.at.position for row in rows_on(connection, list(heads))}

    worker.catcher._bring_to_heads(worker.stop)
    assert moved() == {0}
    monkeypatch.setattr(catcher, "UNMOVED_S", 0.0)
    worker.catcher._bring_to_heads(worker.stop)
    assert moved() == set(heads.values())
