"""P8: what work costs in a log of 10 million events, against the same work in one of 10,000.

One database for each size, filled through the real append function; the sizes take turns within
every round, so that what else the machine does hits all of them alike.
"""

from __future__ import annotations

import os
import random
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import psycopg
from psycopg_pool import ConnectionPool

from aggregates.vault import analysis
from benchmarks.long_log import LongLog, command
from benchmarks.p4_view import Attempts
from benchmarks.result import Result
from benchmarks.rig import Database, Rig
from commands.unit import Commands
from events.log.partitions import STORE
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from events.store.pending import Append, Committed
from events.store.postgres import Connection, append_in
from events.store.subject_keys import PostgresSubjectKeys
from events.store.verify import verify
from processors.consumers.projection import ProjectionConsumer
from processors.consumers.registry import register
from processors.rebuild import Rebuilder

SIZES, QUICK_SIZES = (10_000, 100_000, 1_000_000, 10_000_000), (10_000, 30_000)
ROUNDS, QUICK_ROUNDS = 40, 2
WARM_UP, SINGLES, GROUP, TAIL, LOADS = 5, 20, 100, 2_000, 10
GOAL = 1.5


@dataclass(slots=True)
class _Sized:
    """A log of one size, and the seconds that each kind of work took in it, one a round."""

    events: int
    database: Database
    pool: ConnectionPool
    writer: Connection
    log: PostgresLog
    codec: EventCodec
    median_streams: list[str]
    chance: random.Random
    fill_s: float
    costs_s: dict[str, list[float]] = field(default_factory=dict)

    def take_turn(self) -> None:
        changes = self._changes(WARM_UP + SINGLES + GROUP)
        for change in changes[:WARM_UP]:
            append_in(self.writer, [change])
        singles, group = changes[WARM_UP:][:SINGLES], changes[WARM_UP + SINGLES :]
        self._time("append one", SINGLES, lambda: self._append_each(singles))
        self._time(f"append {GROUP}", 1, lambda: self._append(group))
        head = self.log.events.head()
        self._time(f"read {TAIL} at the tail", 1, lambda: self.log.events.after(head - TAIL, TAIL))
        # Commands of their own: nothing is cached.
        commands = Commands(self.log, self.pool, self.codec, b"k" * 32)
        streams = self.chance.sample(self.median_streams, LOADS)
        self._time("load", LOADS, lambda: [commands.load(analysis, each) for each in streams])

    def _append_each(self, appends: Sequence[Append]) -> None:
        for append in appends:
            self._append([append])

    def _append(self, appends: Sequence[Append]) -> None:
        verdicts = append_in(self.writer, appends)
        assert all(isinstance(verdict, Committed) for verdict in verdicts), verdicts

    def rebuild_s(self) -> float:
        """Seconds of a rebuild per event."""
        consumer = ProjectionConsumer(Attempts())
        register(self.pool, consumer, [STORE])
        with psycopg.connect(self.database.owner_url, autocommit=True) as connection:
            connection.execute(
                "UPDATE checkpoints SET position = (SELECT max(position) FROM events)"
            )
        rebuilt = Rebuilder(self.pool, self.codec, "postgres").rebuild(consumer)
        return rebuilt.seconds / rebuilt.events

    def _changes(self, count: int) -> list[Append]:
        """One event each for streams of random events: the longer a stream, the likelier."""
        head = self.log.events.head()
        positions = self.chance.sample(range(1, head + 1), count * 4)
        with self.pool.connection() as connection:
            rows = connection.execute(
                "SELECT stream_id, (SELECT max(stream_version) FROM events h"
                " WHERE h.stream_id = e.stream_id) FROM events e WHERE position = ANY(%s)",
                (positions,),
            ).fetchall()
        versions: dict[str, int] = dict(rows)
        chosen = self.chance.sample(sorted(versions), count)
        return [command(stream, versions[stream] + 1, 1) for stream in chosen]

    def _time(self, name: str, times: int, work: Callable[[], object]) -> None:
        began = time.perf_counter()
        work()
        self.costs_s.setdefault(name, []).append((time.perf_counter() - began) / times)


def measure(rig: Rig) -> list[Result]:
    sizes, rounds = (QUICK_SIZES, QUICK_ROUNDS) if rig.quick else (SIZES, ROUNDS)
    with ExitStack() as stack:
        logs = [_open(rig, stack, size) for size in sizes]
        for _ in range(rounds):
            for each in logs:
                each.take_turn()
        rig.say("P8 rebuilds")
        rebuilds = {each.events: each.rebuild_s() for each in logs}
        with psycopg.connect(logs[1].database.app_url) as connection:
            assert verify(connection).ok
    fills = {each.events: round(each.events / each.fill_s) for each in logs}
    results = [
        _result(name, {each.events: statistics.median(each.costs_s[name]) for each in logs}, fills)
        for name in logs[0].costs_s
    ]
    return [*results, _result("rebuild, per event", rebuilds, fills)]


def _open(rig: Rig, stack: ExitStack, events: int) -> _Sized:
    rig.say(f"P8 fills {events:,} events")
    database, content = rig.database(), LongLog(rig.seed)
    began = time.perf_counter()
    content.fill(database.app_url, events)
    fill_s = time.perf_counter() - began
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        # What autovacuum does in the life of an installation.
        connection.execute("VACUUM ANALYZE events")
        connection.execute("VACUUM ANALYZE commands")
        connection.execute("CHECKPOINT")
    pool = stack.enter_context(rig.pool(database.app_url))
    log = PostgresLog(database.app_url, pool)
    stack.callback(log.close)
    codec = EventCodec(PostgresSubjectKeys(pool, os.urandom(32)))
    chance = random.Random(rig.seed)  # noqa: S311
    writer = stack.enter_context(psycopg.connect(database.app_url, autocommit=True))
    return _Sized(
        events, database, pool, writer, log, codec, content.median_streams, chance, fill_s
    )


def _result(name: str, costs_s: dict[int, float], fills: dict[int, int]) -> Result:
    smallest, largest = min(costs_s), max(costs_s)
    return Result(
        name="P8",
        title=f"{name}, in a log of {largest:,} events",
        ours=costs_s[largest] * 1e3,
        peer=f"in one of {smallest:,}",
        theirs=costs_s[smallest] * 1e3,
        ratio=costs_s[largest] / costs_s[smallest],
        goal=GOAL,
        unit="ms",
        at_most=True,
        details={
            "by_size": {str(size): round(cost * 1e3, 4) for size, cost in costs_s.items()},
            "fill_events_per_s": {f"{size:,}": rate for size, rate in fills.items()},
        },
    )
