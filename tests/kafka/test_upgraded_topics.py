"""Topics that a released version has written, which put no MAC on its records."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer
from kafka.errors import KafkaTimeoutError

from events.log import aside
from events.log.kafka_config import RELAY_TOPIC, KafkaConfig
from events.log.kafka_topics import KafkaTopics
from events.log.partitions import category_of
from events.log.progress import LogProgress
from processors.compare import compare
from processors.recover import recover
from runtime.composition import record_proofs
from runtime.engines.kafka import EmbeddedKafka
from runtime.engines.postgres import EmbeddedPostgres
from runtime.migrate import migrate
from tests.integration.consumers.support import eventually
from tests.released.fixture import ROOT, read_json, read_records, restore_database, unpack_data
from tests.released.people import comes_true
from tests.released.product import (
    CONSUMERS,
    DISPATCHER,
    RELAY,
    TIMERS,
    Product,
    before_ready,
    open_product,
)

# The last version whose relay made none.
FOLDER = ROOT / "0.1.0"
HEAD = read_json(FOLDER, "story")["head"]
EVENTS = "noculture.events."
Record = dict[str, Any]


@pytest.fixture
def config(kafka: EmbeddedKafka) -> Iterator[KafkaConfig]:
    """The names of the product; no other test uses them."""
    config = kafka.config()
    yield config
    KafkaTopics(config).delete_all()


@pytest.fixture(autouse=True)
def told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside, "EVERY_S", 0.05)


@contextmanager
def upgraded(
    postgres: EmbeddedPostgres, kafka: EmbeddedKafka, data: Path, *, poison: list[Record]
) -> Iterator[Product]:
    """The installation as that version left it, and what somebody has written behind."""
    topics = {each["topic"] for each in records_of(EVENTS)}
    eventually(lambda: made(kafka.config(), topics), 60)
    write(kafka.config(), [*records_of(EVENTS, RELAY_TOPIC), *poison])
    name = f"upgraded_{os.getpid()}_{len(poison)}"
    database = postgres.make_database(name)
    restore_database(FOLDER, database)
    migrate(database.owner_url)
    unpack_data(FOLDER, data)
    with open_product(database, data, kafka) as product:
        before_ready(product.core)
        product.execute("UPDATE saga_timers SET due_at = now() WHERE token = 'retry'")
        yield product
    postgres.drop_database(name)


def made(config: KafkaConfig, topics: set[str]) -> bool:
    """A broker that is busy tells of new topics late."""
    try:
        return bool(KafkaTopics(config).ensure(map(category_of, topics)))
    except KafkaTimeoutError:
        return False


def records_of(*prefixes: str) -> list[Record]:
    return [each for each in read_records(FOLDER) if each["topic"].startswith(prefixes)]


def write(config: KafkaConfig, records: list[Record]) -> None:
    producer = KafkaProducer(**config.client())
    for each in records:
        producer.send(
            config.named(each["topic"]),
            each["value"].encode(),
            each["key"].encode(),
            [(name, value.encode()) for name, value in each["headers"]],
            partition=each["partition"],
        )
    producer.flush(30)
    producer.close()


def go_on(product: Product) -> int:
    """All parts work until everything is done; answers the head then."""
    with product.working(CONSUMERS, DISPATCHER, TIMERS, RELAY, *product.effects()):
        comes_true(product.is_idle, within_s=120)
    assert product.rows("SELECT name, stopped FROM consumers WHERE stopped IS NOT NULL") == []
    assert product.rows("SELECT refused FROM relay_progress") == [(None,)]
    return product.head()


def last_event() -> Record:
    """The record with the log's last position."""
    return next(r for r in records_of(EVENTS) if dict(r["headers"])["ce_position"] == str(HEAD))


def test_an_upgraded_installation_goes_on_and_believes_old_records_as_the_store_has_them(
    postgres: EmbeddedPostgres, kafka: EmbeddedKafka, config: KafkaConfig, tmp_path: Path
):
    with upgraded(postgres, kafka, tmp_path, poison=[]) as product:
        progress, proofs = LogProgress(product.core.pool), record_proofs(product.core)
        with product.working(RELAY):
            eventually(lambda: proofs.unproven_up_to() == HEAD, 60)
        head = go_on(product)
        assert head > HEAD
        assert progress.put_aside() == {}
        assert proofs.unproven_up_to() == HEAD
        assert compare(product.core.pool, config, proofs).ok, "nothing was published again"
        # From now on what has no MAC is a stranger's, and so is an old record with other content.
        other = last_event()
        write(
            config, [other | {"value": "{}"}, other | {"partition": (other["partition"] + 1) % 12}]
        )
        assert go_on(product) == head
        with product.working(CONSUMERS):
            eventually(lambda: progress.put_aside() == {other["topic"]: 2})
        assert compare(product.core.pool, config, proofs).extra == 2


def test_recovery_heals_topics_that_were_poisoned_under_the_old_version(
    postgres: EmbeddedPostgres, kafka: EmbeddedKafka, config: KafkaConfig, tmp_path: Path
):
    true = last_event()
    ahead = [(n, str(HEAD + 9) if n == "ce_position" else v) for n, v in true["headers"]]
    forged, invented = true | {"value": "{}"}, true | {"headers": ahead}
    garbage = {"topic": true["topic"], "partition": 3, "key": "", "value": "", "headers": []}
    with upgraded(postgres, kafka, tmp_path, poison=[forged, garbage, invented]) as product:
        with product.working(CONSUMERS, RELAY):
            refused = LogProgress(product.core.pool).refused
            eventually(lambda: "log-ahead" in (refused() or ""), 60)
        pool, proofs = product.behind.pool, record_proofs(product.behind)
        done = recover(product.database.owner_url, pool, config, proofs, product.rebuilder(), [])
        assert done.events == product.head() >= HEAD
        assert proofs.unproven_up_to() == 0
        found = compare(product.core.pool, config, proofs, settle_s=0)
        assert (found.ok, found.unproven) == (True, 0)
        assert go_on(product) > HEAD
        assert LogProgress(pool).put_aside() == {}
        assert compare(pool, config, proofs).ok
