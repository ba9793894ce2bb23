"""The embedded broker on real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import NewTopic
from kafka.errors import KafkaError

from events.log.kafka_config import KafkaConfig
from runtime.engines.kafka import EmbeddedKafka
from runtime.installation import ROOT
from runtime.settings import load_settings

CACHE = load_settings().shared_cache_dir


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EmbeddedKafka]:
    engine = EmbeddedKafka(tmp_path / "kaf ka", CACHE)
    yield engine
    engine.stop()


def make_topic(config: KafkaConfig) -> None:
    admin = KafkaAdminClient(**config.client())
    admin.create_topics([NewTopic("kept", num_partitions=1, replication_factor=1)])
    admin.close()


def send(config: KafkaConfig, value: bytes) -> None:
    producer = KafkaProducer(**config.client())
    producer.send("kept", value).get(timeout=30)
    producer.close()


def received(config: KafkaConfig) -> list[bytes]:
    consumer = KafkaConsumer(
        "kept",
        **config.client(),
        auto_offset_reset="earliest",
        consumer_timeout_ms=3000,
        enable_auto_commit=False,
    )
    values = [message.value for message in consumer]
    consumer.close()
    return values


def test_what_was_acknowledged_survives_kill_9_of_the_broker(
    tmp_path: Path, engine: EmbeddedKafka
) -> None:
    engine.start()
    make_topic(engine.config())
    send(engine.config(), b"first")
    assert engine.child
    engine.child.kill()
    engine.child.wait()
    engine.start()
    send(engine.config(), b"second")
    assert received(engine.config()) == [b"first", b"second"]


def test_no_topic_appears_by_accident(engine: EmbeddedKafka) -> None:
    engine.start()
    producer = KafkaProducer(**engine.config().client(), max_block_ms=2000)
    with pytest.raises(KafkaError):
        producer.send("never-made", b"?").get(timeout=5)
    producer.close()
    admin = KafkaAdminClient(**engine.config().client())
    assert "never-made" not in admin.list_topics()
    admin.close()


STARTER = """
import sys, time
from pathlib import Path
from runtime.engines.kafka import EmbeddedKafka
engine = EmbeddedKafka(Path(sys.argv[1]), Path(sys.argv[2]))
engine.start()
print(engine.pid, flush=True)
time.sleep(600)
"""


def test_a_broker_whose_supervisor_was_killed_does_not_block_the_next_start(
    tmp_path: Path, engine: EmbeddedKafka
) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(tmp_path / "kaf ka"), str(CACHE)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert starter.stdout
    broker_pid = int(starter.stdout.readline())
    starter.kill()
    starter.wait()
    engine.start()
    assert engine.pid != broker_pid
    assert not psutil.pid_exists(broker_pid)
    make_topic(engine.config())
