"""P3: how fast the relay catches up, against a bare producer of the same records; and how soon what
was committed can be read from Kafka.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import psycopg
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from benchmarks.p3_events import appends, fill
from benchmarks.result import Result, percentiles
from benchmarks.rig import Database, Rig
from events.log.kafka_config import KafkaConfig
from events.log.kafka_topics import KafkaTopics
from events.log.outgoing import OutgoingRecord, OutgoingRecords
from events.log.partitions import partitions_of
from events.log.proving import RecordProofs
from events.log.records import source_of
from events.model import REGISTRY
from events.store.log import PostgresLog
from events.store.postgres import PostgresEvents
from processors.compare import compare
from processors.relay import Relay, take_relay_lock
from processors.relay_session import RelaySession

ROUNDS = 3
GOAL = 0.65
DELAY_GOAL_MS = 15.0
DELAYED_PER_S = 50
WARM_UP = 10
PATIENCE_S = 60.0


def measure(rig: Rig) -> list[Result]:
    database = rig.database()
    events = 2_000 if rig.quick else 100_000
    rig.say(f"P3: filling the store with {events} events")
    fill(database.app_url, events, rig.seed)
    return [_catch_up(rig, database, events), _delay(rig, rig.database())]


def _catch_up(rig: Rig, database: Database, events: int) -> Result:
    """Both publish the whole log into new topics, by turns; the best rounds are compared, as
    other work on the machine only ever slows one down.
    """
    ours, theirs = [], []
    for number in range(1 if rig.quick else ROUNDS):
        with _topics(rig) as config:
            ours.append(events / _relay_s(rig, database, config))
        with _topics(rig) as config:
            theirs.append(events / _producer_s(rig, database, config))
        rig.say(f"P3: round {number + 1}: {ours[-1]:.0f}/s against {theirs[-1]:.0f}/s")
    relay, producer = max(ours), max(theirs)
    return Result(
        name="P3",
        title="relay catch-up: store read, headers, transactions, progress",
        ours=round(relay),
        peer="bare idempotent producer, the same records preloaded",
        theirs=round(producer),
        ratio=round(relay / producer, 3),
        goal=GOAL,
        unit="events/s",
        details={
            "events": events,
            "seed": rig.seed,
            "ours": [round(rate) for rate in ours],
            "theirs": [round(rate) for rate in theirs],
        },
    )


def _relay_s(rig: Rig, database: Database, config: KafkaConfig) -> float:
    with (
        rig.pool(database.app_url) as pool,
        psycopg.connect(database.relay_url, autocommit=True) as connection,
    ):
        assert take_relay_lock(connection)
        with RelaySession(connection, pool, config, _proofs(pool)) as session:
            session.check()
            begun = time.perf_counter()
            while session.publish_next():
                pass
            elapsed_s = time.perf_counter() - begun
        assert compare(pool, config, _proofs(pool), settle_s=0).ok
        return elapsed_s


def _producer_s(rig: Rig, database: Database, config: KafkaConfig) -> float:
    """The peer: no transactions, nothing read or encoded, one flush at the end."""
    records = _records(rig, database)
    settings = config.producer()
    del settings["transactional_id"], settings["transaction_timeout_ms"]
    # Everything is in the accumulator at once: what waits longest waits for the whole run.
    settings |= {"enable_idempotence": True, "delivery_timeout_ms": 300_000}
    producer = KafkaProducer(**settings)
    try:
        begun = time.perf_counter()
        for record in records:
            topic, number = record.partition
            producer.send(
                config.named(topic),
                record.value,
                record.key,
                record.headers,
                partition=number,
                timestamp_ms=record.timestamp_ms,
            )
        producer.flush()
        return time.perf_counter() - begun
    finally:
        producer.close()


def _proofs(pool: Any) -> RecordProofs:
    return RecordProofs(pool, lambda: (b"p" * 32,))


def _records(rig: Rig, database: Database) -> list[OutgoingRecord]:
    with rig.pool(database.app_url) as pool:
        source = source_of(*PostgresEvents(pool).log_identity())
        log = OutgoingRecords(pool, source)
        return [record for page in log.walk(0, 5_000) for record in page]


def _delay(rig: Rig, database: Database) -> Result:
    """One append at a time at a steady pace: from its commit until a reader of committed records
    has it.
    """
    count = WARM_UP + (20 if rig.quick else 500)
    committed: dict[int, float] = {}
    seen: dict[int, float] = {}
    with _topics(rig) as config, rig.pool(database.app_url) as pool:
        log = PostgresLog(database.app_url, pool)
        try:
            with _relaying(database, pool, config), _reading(config, count, seen):
                for number, append in enumerate(appends(count, rig.seed, events_each=1)):
                    if number == WARM_UP:
                        _wait_for(lambda: len(seen) == WARM_UP)
                    position = log.append(append).position
                    committed[position] = time.perf_counter()
                    time.sleep(1 / DELAYED_PER_S)
        finally:
            log.close()
    measured = sorted(committed)[WARM_UP:]
    delays_ms = [(seen[position] - committed[position]) * 1000 for position in measured]
    round_trips_ms = _round_trips_ms(rig, count)
    delay_ms = statistics.median(delays_ms)
    return Result(
        name="P3",
        title="publish delay: commit of the append to read_committed, median",
        ours=round(delay_ms, 2),
        peer="the goal of 15 ms",
        theirs=DELAY_GOAL_MS,
        ratio=round(delay_ms / DELAY_GOAL_MS, 3),
        goal=1.0,
        unit="ms",
        at_most=True,
        details={
            "appends_per_s": DELAYED_PER_S,
            "seed": rig.seed,
            "delay_ms": percentiles(delays_ms),
            "bare_kafka_round_trip_ms": percentiles(round_trips_ms),
        },
    )


def _round_trips_ms(rig: Rig, count: int) -> list[float]:
    """One small record, acknowledged by an idempotent producer, read by a consumer that waits."""
    with _topics(rig) as config:
        settings = config.producer()
        del settings["transactional_id"], settings["transaction_timeout_ms"]
        producer = KafkaProducer(**settings)
        partition = partitions_of("asset")[0]
        topic = TopicPartition(config.named(partition.topic), partition.number)
        consumer = KafkaConsumer(**config.consumer(), group_id=None)
        consumer.assign([topic])
        consumer.seek_to_beginning(topic)
        consumer.poll(timeout_ms=0)
        trips_ms = []
        try:
            for _ in range(count):
                begun = time.perf_counter()
                producer.send(topic.topic, b"x" * 300, b"key", partition=topic.partition)
                producer.flush()
                while not consumer.poll(timeout_ms=1_000):
                    pass
                trips_ms.append((time.perf_counter() - begun) * 1000)
        finally:
            producer.close()
            consumer.close(autocommit=False)
        return trips_ms


@contextmanager
def _topics(rig: Rig) -> Iterator[KafkaConfig]:
    config = rig.kafka.config(prefix=f"bench{uuid4().hex[:8]}")
    KafkaTopics(config).ensure(REGISTRY.categories())
    yield config
    KafkaTopics(config).delete_all()


@contextmanager
def _relaying(database: Database, pool: Any, config: KafkaConfig) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(
        target=Relay(database.relay_url, pool, config, _proofs(pool)).run, args=(stop,)
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)


@contextmanager
def _reading(config: KafkaConfig, count: int, seen: dict[int, float]) -> Iterator[None]:
    """Notes when each position came; at the end waits until `count` have."""
    consumer = KafkaConsumer(**config.consumer(), group_id=None)
    consumer.assign(
        [
            TopicPartition(config.named(partition.topic), partition.number)
            for category in REGISTRY.categories()
            for partition in partitions_of(category)
        ]
    )
    consumer.seek_to_beginning()
    consumer.poll(timeout_ms=0)
    thread = threading.Thread(target=_note, args=(consumer, count, seen))
    thread.start()
    try:
        yield
    finally:
        thread.join(PATIENCE_S)
        consumer.close(autocommit=False)


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "the relay does not publish"
        time.sleep(0.01)


def _note(consumer: Any, count: int, seen: dict[int, float]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while len(seen) < count and time.monotonic() < deadline:
        for records in consumer.poll(timeout_ms=100).values():
            now = time.perf_counter()
            for record in records:
                seen[int(dict(record.headers)["ce_position"])] = now
