"""Kafka has every event once, whatever happens to the broker or to Postgres under a relay that
lives on; and the relay goes on by itself.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient

from events.log.kafka_config import KafkaConfig
from events.log.kafka_topics import KafkaTopics
from events.log.partitions import topic_of
from events.log.progress import LogProgress
from events.store.postgres import PostgresEvents
from processors import relay_session
from processors.compare import compare
from runtime.engines.kafka import EmbeddedKafka
from runtime.engines.postgres import EmbeddedPostgres
from runtime.migrate import migrate
from runtime.settings import load_settings
from tests.conftest import Database
from tests.integration.consumers.support import Writer, eventually, pool_of, proofs_of
from tests.kafka.conftest import relaying_with

GOES_ON_WITHIN_S = 60.0
# A comparison reads all topics: one after the other took most of a core.
COMPARE_EVERY_S = 1.0


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    folder = tmp_path_factory.mktemp("broker") / "kafka"
    engine = EmbeddedKafka(folder, load_settings().shared_cache_dir)
    engine.start()
    yield engine
    engine.stop()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    engine = EmbeddedPostgres(tmp_path / "postgres")
    engine.start()
    migrate(engine.owner_url)
    yield engine
    engine.stop()


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_session, "LOOK_AT_TOPICS_S", 0.5)


def kill(engine: EmbeddedKafka | EmbeddedPostgres) -> None:
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGKILL)
    engine.stop()


def delete(broker: EmbeddedKafka, *topics: str) -> None:
    admin = KafkaAdminClient(**broker.config().client())
    admin.delete_topics(list(topics))
    eventually(lambda: not set(topics) & set(admin.list_topics()))
    admin.close()


def test_the_broker_stops_is_killed_loses_a_topic_and_everything(
    broker: EmbeddedKafka, database: Database
):
    config = broker.config()

    def restarted() -> None:
        broker.stop()
        broker.start()

    def killed() -> None:
        kill(broker)
        broker.start()

    def wiped() -> None:
        kill(broker)
        shutil.rmtree(broker.log.parent / "log")
        broker.start()

    def topic_deleted() -> None:
        delete(broker, topic_of("asset"))

    def topic_made_anew_by_another() -> None:
        """As a worker does whose reader finds it gone."""
        delete(broker, topic_of("analysis"))
        KafkaTopics(config).ensure(["analysis"])

    with pool_of(database.app_url) as pool, relaying_with(database.relay_url, pool, config):
        writer, progress = Writer(database.app_url), LogProgress(pool)
        faults = [restarted, killed, topic_deleted, topic_made_anew_by_another, wiped]
        for seed, fault in enumerate(faults):
            writer.lives(10, seed=seed)
            eventually(lambda: progress.relayed() >= PostgresEvents(pool).head(), GOES_ON_WITHIN_S)
            written_meanwhile(fault, writer)
            eventually(lambda: is_whole(pool, config), GOES_ON_WITHIN_S, COMPARE_EVERY_S)
        writer.close()


def written_meanwhile(fault: Callable[[], None], writer: Writer) -> None:
    """Half of the faults find the relay idle when they end, half at work."""
    fault()
    if fault.__name__ in ("killed", "topic_made_anew_by_another"):
        writer.lives(10, seed=99)


def is_whole(pool, config: KafkaConfig) -> bool:  # type: ignore[no-untyped-def]
    found = compare(pool, config, proofs_of(pool))
    assert (found.duplicated, found.misordered, found.extra) == (0, 0, 0)
    return found.ok


def test_postgres_stops_and_is_killed(broker: EmbeddedKafka, store: EmbeddedPostgres):
    config = broker.config(prefix="another")

    def restarted() -> None:
        store.stop()
        store.start()

    def killed() -> None:
        kill(store)
        store.start()

    with pool_of(store.app_url) as pool, relaying_with(store.relay_url, pool, config):
        for seed, fault in enumerate([restarted, killed, killed]):
            writer = Writer(store.app_url)
            writer.lives(20, seed=seed)
            writer.close()
            # What it published and had not noted yet is lost in the kill: Kafka still knows.
            fault()
            writer = Writer(store.app_url)
            last = writer.lives(5, seed=100 + seed)
            writer.close()
            eventually(lambda last=last: relayed(pool) >= last, GOES_ON_WITHIN_S)
            assert compare(pool, config, proofs_of(pool)).ok


def relayed(pool) -> int:  # type: ignore[no-untyped-def]
    try:
        return LogProgress(pool).relayed()
    except Exception:
        # Connections of the Postgres that is gone.
        return 0
