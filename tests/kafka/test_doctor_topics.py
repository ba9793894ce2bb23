"""`doctor` names the topic that would lose the log, and its advice mends it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys

import psycopg
import pytest
from kafka.admin import ConfigResource, KafkaAdminClient
from kafka.structs import TopicPartition

from events.log.kafka_config import RELAY_TOPIC, KafkaConfig
from events.log.kafka_reading import read_records
from events.log.kafka_topics import KafkaTopics
from events.log.partitions import topic_of
from events.model import REGISTRY
from runtime.engines.kafka_users import as_environment
from runtime.finding import Finding
from runtime.log_checks import durability, topic_findings
from tests.conftest import Database
from tests.integration.consumers.support import eventually


@pytest.fixture
def admin(config: KafkaConfig):
    KafkaTopics(config).ensure(REGISTRY.categories())
    client = KafkaAdminClient(**config.client())
    yield client
    client.close()


def problems(config: KafkaConfig) -> list[Finding]:
    return [finding for finding in topic_findings(config) if finding.level == "problem"]


LOSING = [
    (topic_of("asset"), "cleanup.policy", "compact", "delete"),
    (topic_of("asset"), "retention.ms", "604800000", "-1"),
    (topic_of("analysis"), "retention.bytes", "1000000", "-1"),
    (topic_of("asset"), "min.insync.replicas", "2", "1"),
    (RELAY_TOPIC, "cleanup.policy", "delete", "compact"),
]


def test_each_setting_that_loses_events_is_named_and_the_advice_mends_it(
    config: KafkaConfig, admin: KafkaAdminClient
):
    assert problems(config) == []
    wrong: dict[str, dict[str, str]] = {}
    for topic, setting, value, _ in LOSING:
        wrong.setdefault(config.named(topic), {})[setting] = value
    admin.alter_configs([ConfigResource("topic", *named) for named in wrong.items()])
    eventually(lambda: len(problems(config)) == len(LOSING))
    found = problems(config)
    assert {(finding.name, finding.value) for finding in found} == {
        (config.named(topic), f"{setting} is {value}, should be {wanted}")
        for topic, setting, value, wanted in LOSING
    }
    environment = os.environ | as_environment(config) | {"NOCULTURE_VENV": sys.prefix}
    # Each is a command line of its own: side by side.
    mending = [
        subprocess.Popen(shlex.split(finding.advice or ""), env=environment) for finding in found
    ]
    assert [each.wait(60) for each in mending] == [0] * len(LOSING)
    eventually(lambda: not problems(config))


def test_a_topic_with_other_partitions_is_named(config: KafkaConfig, admin: KafkaAdminClient):
    admin.create_partitions({config.named(topic_of("asset")): 13})
    eventually(lambda: problems(config))
    [found] = problems(config)
    assert found.value == "13 partitions, should be 12"
    assert f"topics delete -t {config.named(topic_of('asset'))}" in (found.advice or "")


def test_records_that_retention_took_are_counted(
    config: KafkaConfig, admin: KafkaAdminClient, writer, relaying, progress
):
    with relaying():
        last = writer.lives(10)
        eventually(lambda: progress.relayed() >= last, 40)
    name = config.named(topic_of("asset"))
    filled, _ = next(read_records(config, [topic_of("asset")]))
    admin.delete_records({TopicPartition(name, filled.number): 1})
    eventually(lambda: problems(config))
    [found] = problems(config)
    assert (found.name, found.value) == (name, "its 1 oldest records are gone")


def test_a_broker_that_does_not_answer_is_a_problem():
    [found] = topic_findings(KafkaConfig(bootstrap="127.0.0.1:9"))
    assert found.level == "problem"


def test_a_database_that_may_lose_commits_is_named(database: Database):
    """That a product's own is durable, the `doctor` of a whole installation says."""

    def lax() -> dict[str, tuple[str, str]]:
        return {each.name: (each.value, each.level) for each in durability(database.app_url)}

    of_tests = {"fsync": ("off", "problem")}
    assert lax() == of_tests
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
        assert lax() == {**of_tests, "synchronous_commit": ("off", "problem")}
        connection.execute(f"ALTER DATABASE {name} RESET synchronous_commit")
    assert lax() == of_tests
