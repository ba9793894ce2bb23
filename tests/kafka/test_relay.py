"""Kafka holds every event exactly once, in order per stream, whatever happens to the relay."""

from __future__ import annotations

import psycopg
import pytest
from kafka import KafkaConsumer
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError
from psycopg_pool import ConnectionPool

from events.log.kafka import KafkaLog
from events.log.kafka_config import RELAY_TOPIC, KafkaConfig
from events.log.outgoing import OutgoingRecord, OutgoingRecords
from events.log.partitions import topic_of
from events.log.progress import LogProgress
from events.log.proof import RecordMac
from events.log.records import from_record, source_of
from events.store.postgres import PostgresEvents
from processors.compare import compare
from processors.consumers.projection import ProjectionConsumer
from processors.publisher import Progress, Publisher, advanced
from processors.rebuild import Rebuilder
from processors.rebuild_errors import NothingKept
from processors.recover import recover
from runtime.engines.kafka import EmbeddedKafka
from tests.conftest import Database
from tests.integration.consumers.support import (
    Shelf,
    Writer,
    caught_up,
    eventually,
    expected_rows,
    proofs_of,
    rows_of,
    running,
)

MAC = RecordMac(b"p" * 32)


def relayed(progress: LogProgress, position: int, within_s: float = 30) -> None:
    eventually(lambda: progress.relayed() >= position, within_s)


def forget(config: KafkaConfig, *topics: str) -> None:
    """The broker loses topics."""
    admin = KafkaAdminClient(**config.client())
    names = [config.named(topic) for topic in topics]
    admin.delete_topics(names)
    eventually(lambda: not set(names) & set(admin.list_topics()))
    admin.close()


def records_of(pool: ConnectionPool) -> list[OutgoingRecord]:
    return OutgoingRecords(pool, source_of(*PostgresEvents(pool).log_identity())).after(0, 1_000)


def at_position(record: OutgoingRecord, position: int) -> OutgoingRecord:
    """As if the store had had it there."""
    headers = dict(record.headers) | {"ce_position": b"%d" % position}
    return record._replace(position=position, headers=list(headers.items()))


def as_owner(database: Database, statement: str) -> None:
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        connection.execute(statement)


def as_admin(database: Database, statement: str) -> None:
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        connection.execute(statement)


def test_of_two_relays_one_works_and_a_lost_lock_changes_hands(
    database: Database, pool: ConnectionPool, config: KafkaConfig, writer: Writer, relaying
):
    progress = LogProgress(pool)
    with relaying(), relaying():
        relayed(progress, writer.lives(20))
        for seed in (2, 3):
            # The holder of the lock loses its connection, as after a failover.
            as_admin(
                database,
                "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_database d"
                " ON d.oid = l.database WHERE l.locktype = 'advisory' AND l.classid = 7521984"
                " AND l.granted AND d.datname = current_database()",
            )
            relayed(progress, writer.lives(20, seed=seed))
        assert compare(pool, config, proofs_of(pool)).ok


def test_a_broker_that_restarts_is_found_again(
    pool: ConnectionPool, config: KafkaConfig, writer: Writer, kafka: EmbeddedKafka, relaying
):
    progress = LogProgress(pool)
    with relaying():
        relayed(progress, writer.lives(10))
        kafka.stop()
        position = writer.lives(10, seed=2)
        kafka.start()
        relayed(progress, position, 60)
        assert compare(pool, config, proofs_of(pool)).ok


def test_what_a_partition_lost_is_published_again_and_only_that(
    pool: ConnectionPool, config: KafkaConfig, writer: Writer, relaying
):
    with relaying():
        relayed(LogProgress(pool), writer.lives(30))
    forget(config, topic_of("analysis"))
    assert compare(pool, config, proofs_of(pool), settle_s=0).missing > 0
    for topics in ((), (RELAY_TOPIC,), (RELAY_TOPIC, topic_of("asset"))):
        if topics:
            forget(config, *topics)
        with relaying():
            _, position = writer.upload()
            relayed(LogProgress(pool), position)
            assert compare(pool, config, proofs_of(pool)).ok, f"after {topics} were lost"


def test_a_topic_ahead_of_the_store_stops_it_until_recovery(
    database: Database,
    pool: ConnectionPool,
    config: KafkaConfig,
    writer: Writer,
    rebuilder: Rebuilder,
    relaying,
):
    shelf = ProjectionConsumer(Shelf())
    with relaying(), running([shelf], KafkaLog(config, proofs_of(pool)), pool, rebuilder):
        last = writer.lives(20)
        caught_up(LogProgress(pool), "shelf", last)
    # A backup from before the last five events is restored.
    as_owner(database, f"DELETE FROM events WHERE position > {last - 5}")
    assert compare(pool, config, proofs_of(pool), settle_s=0).extra == 5
    with relaying() as relay:
        eventually(lambda: relay.refused)
        assert "log-ahead" in relay.refused
        assert "log recover" in relay.refused
        assert LogProgress(pool).refused() == relay.refused
    recovered = recover(database.owner_url, pool, config, proofs_of(pool), rebuilder, [shelf])
    assert (recovered.epoch, recovered.events) == (2, last - 5)
    assert [view.name for view in recovered.rebuilt] == ["shelf"]
    with pytest.raises(NothingKept):
        # What was replaced knows events that the log has lost.
        rebuilder.roll_back(shelf)
    assert rows_of(pool) == expected_rows(pool)
    with relaying():
        assert compare(pool, config, proofs_of(pool)).ok
        eventually(lambda: LogProgress(pool).refused() is None)


def test_comparing_names_what_is_wrong(pool: ConnectionPool, config: KafkaConfig, writer: Writer):
    writer.lives(10)
    store = PostgresEvents(pool)
    events = records_of(pool)
    assert compare(pool, config, proofs_of(pool), settle_s=0).missing == len(events), (
        "no topic at all"
    )
    publisher = Publisher(config, *store.log_identity(), MAC)
    publisher.publish(events, Progress())
    assert compare(pool, config, proofs_of(pool), settle_s=0).ok
    publisher.publish(events[:3], Progress())
    found = compare(pool, config, proofs_of(pool), settle_s=0)
    assert (found.duplicated, found.missing, found.misordered, found.extra) == (3, 0, 0, 0)

    late = [at_position(events[0], 97), at_position(events[0], 96)]
    publisher.publish(late, Progress())
    publisher.close()
    found = compare(pool, config, proofs_of(pool), settle_s=0)
    assert (found.duplicated, found.misordered, found.extra) == (3, 1, 2)


def test_a_partition_that_is_behind_its_promise_is_published_again_from_there(
    pool: ConnectionPool, config: KafkaConfig, writer: Writer, relaying
):
    last = writer.lives(30)
    store = PostgresEvents(pool)
    events = records_of(pool)
    cut = events[-1].partition
    publisher = Publisher(config, *store.log_identity(), MAC)
    publisher.publish(events[:20], advanced(Progress(), events[:20]))
    kept = [event for event in events[20:] if event.partition != cut]
    publisher.publish(kept, advanced(advanced(Progress(), events[:20]), events[20:]))
    publisher.close()
    assert compare(pool, config, proofs_of(pool), settle_s=0).missing == len(events) - 20 - len(
        kept
    )
    with relaying():
        relayed(LogProgress(pool), last)
        assert compare(pool, config, proofs_of(pool)).ok


def test_a_relay_that_was_replaced_cannot_publish_any_more(
    pool: ConnectionPool, config: KafkaConfig, writer: Writer
):
    writer.lives(5)
    store = PostgresEvents(pool)
    events = records_of(pool)
    replaced = Publisher(config, *store.log_identity(), MAC)
    replaced.publish(events[:2], advanced(Progress(), events[:2]))
    successor = Publisher(config, *store.log_identity(), MAC)
    with pytest.raises(KafkaError):
        replaced.publish(events[2:4], advanced(Progress(), events[2:4]))
    replaced.close()
    successor.publish(events[2:], advanced(advanced(Progress(), events[:2]), events[2:]))
    successor.close()
    assert compare(pool, config, proofs_of(pool), settle_s=0).ok


def test_another_event_at_a_position_stops_it(
    database: Database, pool: ConnectionPool, config: KafkaConfig, writer: Writer, relaying
):
    with relaying():
        last = writer.lives(5)
        relayed(LogProgress(pool), last)
    as_owner(database, f"UPDATE events SET hash = sha256(hash) WHERE position = {last}")
    found = compare(pool, config, proofs_of(pool), settle_s=0)
    assert (found.missing, found.extra, found.ok) == (1, 1, False)
    with relaying() as relay:
        eventually(lambda: relay.refused)
        assert "log-differs" in relay.refused
        assert f"position {last}" in relay.refused


def test_an_independent_reader_gets_every_field_from_kafka_alone(
    pool: ConnectionPool, config: KafkaConfig, writer: Writer, relaying
):
    with relaying():
        last = writer.lives(15)
        relayed(LogProgress(pool), last)
    reader = KafkaConsumer(
        config.named(topic_of("asset")),
        config.named(topic_of("analysis")),
        **config.client(),
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        consumer_timeout_ms=5_000,
    )
    found = {}
    for record in reader:
        envelope = from_record(config.logical(record.topic), record.value, record.headers)
        found[envelope.position] = envelope
        assert record.key.decode() == envelope.stream_id
        if len(found) == last:
            break
    reader.close()
    assert [found[position] for position in sorted(found)] == PostgresEvents(pool).after(0, 1_000)
