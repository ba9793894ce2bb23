"""With the relay's password in hand: what a stranger writes to the topics stops nothing, is applied
by nobody, and the alarm says it (docs/adr/0029).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from psycopg_pool import ConnectionPool

from events.ids import AssetId, WorkspaceId
from events.log import aside
from events.log.kafka import KafkaLog
from events.log.kafka_config import RELAY_TOPIC, KafkaConfig
from events.log.outgoing import OutgoingRecords
from events.log.partitions import PARTITIONS, partition_of, topic_of
from events.log.progress import LogProgress
from events.log.proof import MAC_HEADER
from events.log.records import source_of, to_record
from events.store.postgres import PostgresEvents
from processors.compare import compare
from processors.consumers.projection import ProjectionConsumer
from processors.publisher import Progress
from processors.rebuild import Rebuilder
from processors.recover import recover
from tests.conftest import Database
from tests.integration.consumers.support import (
    Shelf,
    Tally,
    Writer,
    caught_up,
    eventually,
    expected_rows,
    make_tally,
    proofs_of,
    rows_of,
    running,
    tallied,
)
from tests.kafka.conftest import relaying_with

ASSETS, ANALYSES = topic_of("asset"), topic_of("analysis")


@dataclass
class Thief:
    """Reads the topics and the log, and writes whatever it likes. `stolen` is a true record."""

    config: KafkaConfig
    pool: ConnectionPool
    producer: KafkaProducer
    stolen: Any = None

    def write(self, topic: str, partition: int, key: Any, value: Any, headers: Any) -> None:
        self.producer.send(self.config.named(topic), value, key, headers, partition=partition)
        self.producer.flush(30)

    def write_event(self, **changed: Any) -> None:
        """The log's last event with some of its fields changed; without a MAC."""
        events = PostgresEvents(self.pool)
        forged = events.after(events.head() - 1, 1)[0]._replace(**changed)
        record = to_record(forged, source_of(*events.log_identity()))
        self.write(
            record.topic, partition_of(forged).number, record.key, record.value, record.headers
        )

    def records(self, *topics: str) -> Iterator[Any]:
        """Everything that is on these topics now."""
        consumer = KafkaConsumer(
            **self.config.client(),
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        )
        with closing(consumer):
            named = map(self.config.named, topics)
            partitions = [TopicPartition(topic, n) for topic in named for n in range(PARTITIONS)]
            consumer.assign(partitions)
            ends = consumer.end_offsets(partitions)
            while any(consumer.position(each) < ends[each] for each in partitions):
                for records in consumer.poll(timeout_ms=500).values():
                    yield from records


def rejected(thief: Thief) -> None:
    """The head's position and hash, on an asset that was never rejected."""
    asset = AssetId.new()
    data = f'{{"asset_id": "{asset}", "workspace_id": "{WorkspaceId.new()}", "code": "x"}}'
    thief.write_event(
        category="asset", type="asset.rejected", version=1, stream_id=asset, data=data.encode()
    )


def of_another_workspace(thief: Thief) -> None:
    """A true event's data, personal values and all, under another stream and tenant."""
    thief.write_event(stream_id=AssetId.new(), tenant=WorkspaceId.new())


def far_ahead(thief: Thief) -> None:
    """It stopped every consumer, and the relay at its next start."""
    thief.write_event(position=10**9)


def indigestible(thief: Thief) -> None:
    """PostgreSQL takes no NUL: the worker began anew for ever."""
    thief.write_event(stream_id="ast_\x00", tenant="\x00")


def of_nothing(thief: Thief) -> None:
    thief.write(ASSETS, 0, b"ast_", None, [])


class NoText(str):
    __slots__ = ()

    def encode(self, *_: Any) -> bytes:
        return b"\xff\xfe"


def unreadable(thief: Thief) -> None:
    """The client library gave up at a header's name that is no text."""
    thief.write(ASSETS, 0, b"ast_", b"{}", [(NoText("name"), b"")])


def under_a_guessed_mac(thief: Thief) -> None:
    record = thief.stolen
    headers = [*record.headers[:-1], (MAC_HEADER, record.headers[-1][1][:-1] + b"g")]
    thief.write(ASSETS, record.partition, record.key, record.value, headers)


def with_another_header(thief: Thief) -> None:
    record = thief.stolen
    headers = [("ce_tenant", b"wsp_other"), *record.headers]
    thief.write(ASSETS, record.partition, record.key, record.value, headers)


def with_another_value(thief: Thief) -> None:
    record = thief.stolen
    thief.write(ASSETS, record.partition, record.key, b"{}", record.headers)


def again(thief: Thief) -> None:
    record = thief.stolen
    thief.write(ASSETS, record.partition, record.key, record.value, record.headers)


def in_another_partition(thief: Thief) -> None:
    record = thief.stolen
    partition = (record.partition + 1) % PARTITIONS
    thief.write(ASSETS, partition, record.key, record.value, record.headers)


def in_another_topic(thief: Thief) -> None:
    record = thief.stolen
    thief.write(ANALYSES, record.partition, record.key, record.value, record.headers)


ATTACKS: tuple[Callable[[Thief], None], ...] = (
    rejected,
    of_another_workspace,
    far_ahead,
    indigestible,
    of_nothing,
    unreadable,
    under_a_guessed_mac,
    with_another_header,
    with_another_value,
    again,
    in_another_partition,
    in_another_topic,
)


@pytest.fixture
def thief(config: KafkaConfig, pool: ConnectionPool) -> Iterator[Thief]:
    producer = KafkaProducer(**config.client())
    yield Thief(config, pool, producer)
    producer.close()


@pytest.fixture(autouse=True)
def told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside, "EVERY_S", 0.05)


def alarmed(progress: LogProgress, forged: int) -> None:
    """The alarm counts just so many records."""
    eventually(lambda: sum(progress.put_aside().values()) >= forged)
    assert sum(progress.put_aside().values()) == forged


def test_nothing_stops_nothing_is_applied_and_the_alarm_says_it(
    pool: ConnectionPool,
    config: KafkaConfig,
    writer: Writer,
    progress: LogProgress,
    rebuilder: Rebuilder,
    relaying,
    thief: Thief,
):
    make_tally(pool)
    consumers = [Tally(), ProjectionConsumer(Shelf())]
    forged = 0
    for seed in (100, 200):
        log = KafkaLog(config, proofs_of(pool))
        with relaying() as relay, running(consumers, log, pool, rebuilder):
            applied(writer.lives(10, seed=seed), pool, progress)
            thief.stolen = thief.stolen or next(thief.records(ASSETS))
            for number, attack in enumerate(ATTACKS):
                attack(thief)
                forged += 1
                alarmed(progress, forged)
                applied(writer.lives(1, seed=seed + number), pool, progress)
            assert relay.refused is None
        # The next relay and the next worker find them at the ends of partitions.
        for attack in ATTACKS:
            attack(thief)
            forged += 1
    with relaying() as relay, running(consumers, log, pool, rebuilder):
        applied(writer.lives(5, seed=300), pool, progress)
        alarmed(progress, forged)
        assert relay.refused is None
    assert "log recover" in str(progress.records_alarm())
    found = compare(pool, config, proofs_of(pool))
    repeated = forged // len(ATTACKS)
    assert (found.missing, found.misordered, found.duplicated) == (0, 0, repeated)
    assert (found.unproven, found.ok) == (forged - repeated, False)


def applied(last: int, pool: ConnectionPool, progress: LogProgress) -> None:
    """Every event up to `last` once, and no other."""
    for consumer in ("tally", "shelf"):
        caught_up(progress, consumer, last, 40)
    assert tallied(pool) == list(range(1, last + 1))
    assert rows_of(pool) == expected_rows(pool)
    assert [each.stopped for each in progress.all()] == [None, None]


def test_a_forged_progress_neither_stops_the_relay_nor_lets_it_leave_out_events(
    pool: ConnectionPool,
    config: KafkaConfig,
    writer: Writer,
    progress: LogProgress,
    relaying,
    thief: Thief,
):
    with relaying():
        last = writer.lives(10)
        eventually(lambda: progress.relayed() >= last)
    head = writer.lives(5, seed=2)
    source = source_of(*PostgresEvents(pool).log_identity())
    for position in (head, 10**9):
        value = Progress(position).to_bytes(source)
        thief.write(RELAY_TOPIC, 0, b"progress", value, [])
        with relaying() as relay:
            eventually(lambda: progress.relayed() >= head, 30)
            assert relay.refused is None
        assert compare(pool, config, proofs_of(pool)).ok
    eventually(lambda: progress.put_aside() == {RELAY_TOPIC: 2})


def test_what_was_published_before_a_recovery_is_put_aside_when_it_comes_again(
    database: Database,
    pool: ConnectionPool,
    config: KafkaConfig,
    writer: Writer,
    progress: LogProgress,
    rebuilder: Rebuilder,
    relaying,
    thief: Thief,
):
    """Its MAC is right, and its event may be one that a restore has lost: nothing stops for it."""
    make_tally(pool)
    with relaying(), running([Tally()], KafkaLog(config, proofs_of(pool)), pool, rebuilder):
        caught_up(progress, "tally", writer.lives(10), 40)
    lost = list(thief.records(ASSETS))[-1]
    recover(database.owner_url, pool, config, proofs_of(pool), rebuilder, [])
    with (
        relaying() as relay,
        running([Tally()], KafkaLog(config, proofs_of(pool)), pool, rebuilder),
    ):
        caught_up(progress, "tally", writer.lives(5, seed=2), 40)
        thief.write(ASSETS, lost.partition, lost.key, lost.value, lost.headers)
        last = writer.lives(5, seed=3)
        caught_up(progress, "tally", last, 40)
        eventually(lambda: progress.put_aside() == {ASSETS: 1})
        assert relay.refused is None
    thief.write(ASSETS, lost.partition, lost.key, lost.value, lost.headers)
    with relaying() as relay:
        last = writer.lives(3, seed=4)
        eventually(lambda: progress.relayed() >= last, 30)
        assert relay.refused is None


def test_what_an_older_relay_published_meanwhile_is_published_again_with_macs(
    pool: ConnectionPool,
    config: KafkaConfig,
    writer: Writer,
    progress: LogProgress,
    rebuilder: Rebuilder,
    relaying,
    thief: Thief,
):
    """Somebody went back to a version without MACs for an hour, or upgraded the workers first."""
    make_tally(pool)
    with running([Tally()], KafkaLog(config, proofs_of(pool)), pool, rebuilder):
        with relaying():
            last = writer.lives(10)
            caught_up(progress, "tally", last, 40)
        head = writer.lives(10, seed=2)
        source = source_of(*PostgresEvents(pool).log_identity())
        for record in OutgoingRecords(pool, source).after(last, 1_000):
            thief.write(*record.partition, record.key, record.value, record.headers)
        eventually(lambda: sum(progress.put_aside().values()) == head - last, 40)
        assert tallied(pool) == list(range(1, last + 1))
        with relaying():
            caught_up(progress, "tally", head, 40)
        assert tallied(pool) == list(range(1, head + 1))


def test_records_of_an_exchanged_key_are_believed_and_those_of_a_lost_one_published_again(
    pool: ConnectionPool,
    config: KafkaConfig,
    writer: Writer,
    progress: LogProgress,
    rebuilder: Rebuilder,
    thief: Thief,
):
    make_tally(pool)
    old, new, newest = b"o" * 32, b"n" * 32, b"x" * 32

    def go_on(seed: int, *keys: bytes, count: int) -> None:
        proofs = proofs_of(pool, *keys)
        with (
            relaying_with(pool.conninfo, pool, config, proofs),
            running([Tally()], KafkaLog(config, proofs), pool, rebuilder),
        ):
            last = writer.lives(5, seed=seed)
            caught_up(progress, "tally", last, 40)
            assert tallied(pool) == list(range(1, last + 1))
        assert sum(1 for _ in thief.records(ASSETS, ANALYSES)) == count + last

    go_on(1, old, count=0)
    go_on(2, new, old, count=0)
    assert progress.put_aside() == {}
    # Without any of the earlier keys nobody knows what is true on the topics.
    go_on(3, newest, count=writer.head())
