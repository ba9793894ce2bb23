from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from uuid import uuid4

import pytest
from psycopg_pool import ConnectionPool

from events.log.kafka_config import KafkaConfig
from events.log.kafka_topics import KafkaTopics
from events.log.progress import LogProgress
from events.log.proving import RecordProofs
from events.model import REGISTRY
from processors.rebuild import Rebuilder
from processors.relay import Relay
from runtime.engines.kafka import EmbeddedKafka
from tests.conftest import Database
from tests.integration.consumers.support import Writer, codec_of, pool_of, proofs_of
from tests.roles import set_the_stage


@pytest.fixture
def config(kafka: EmbeddedKafka, monkeypatch: pytest.MonkeyPatch) -> Iterator[KafkaConfig]:
    """Topics of this test alone on the shared broker; of the categories that the writer fills, for
    those of all cost the broker 1.6 s of processor time a test.
    """
    monkeypatch.setattr(REGISTRY, "categories", lambda: ["analysis", "asset"])
    config = kafka.config(prefix=f"test{uuid4().hex[:8]}")
    yield config
    KafkaTopics(config).delete_all()


@pytest.fixture
def pool(database: Database) -> Iterator[ConnectionPool]:
    with pool_of(set_the_stage(database).worker_url) as pool:
        yield pool


@pytest.fixture
def writer(database: Database) -> Iterator[Writer]:
    writer = Writer(database.app_url)
    yield writer
    writer.close()


@pytest.fixture
def progress(pool: ConnectionPool) -> LogProgress:
    return LogProgress(pool, "kafka")


@pytest.fixture
def rebuilder(pool: ConnectionPool) -> Rebuilder:
    return Rebuilder(pool, codec_of(pool), "kafka")


@contextmanager
def relaying_with(
    url: str, pool: ConnectionPool, config: KafkaConfig, proofs: RecordProofs | None = None
) -> Iterator[Relay]:
    """A relay in a thread; what it raised comes out at the end."""
    relay, stop, raised = Relay(url, pool, config, proofs or proofs_of(pool)), threading.Event(), []

    def work() -> None:
        try:
            relay.run(stop)
        except Exception as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield relay
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive(), "the relay does not stop"
    if raised:
        raise raised[0]


@pytest.fixture
def relaying(
    database: Database, pool: ConnectionPool, config: KafkaConfig
) -> Callable[[], AbstractContextManager[Relay]]:
    """`with relaying() as relay:` runs a relay."""
    return lambda: relaying_with(database.relay_url, pool, config)
