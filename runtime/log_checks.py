"""Findings of `doctor` where the log lives: topics that would lose it, a database that might."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, KafkaAdminClient
from kafka.errors import KafkaError

from events.log.kafka_config import RELAY_TOPIC, KafkaConfig
from events.log.kafka_topics import FOR_EVER, NEWEST_ONLY
from events.log.partitions import PARTITIONS, TOPIC_PREFIX
from runtime.finding import Finding
from runtime.installation import DEFAULT_DATA, ROOT

ANSWER_WITHIN_S = 5
LARGEST_RECORD_BYTES = 256 * 1024
DURABLE = {
    "fsync": "a crash of the machine may destroy the database",
    "full_page_writes": "a crash of the machine may destroy the database",
    "synchronous_commit": "a crash loses commands that were acknowledged",
}


@dataclass(frozen=True, slots=True)
class _Topic:
    """A topic as the broker has it."""

    name: str
    partitions: int
    replicas: int
    settings: dict[str, str]


def topic_findings(config: KafkaConfig, data: Path = DEFAULT_DATA) -> list[Finding]:
    """One for each thing that is wrong, or one that says that all is well. `data` is the folder
    of the installation, for the commands that mend it.
    """
    try:
        admin = KafkaAdminClient(**config.client(), bootstrap_timeout_ms=ANSWER_WITHIN_S * 1000)
    except KafkaError as error:
        advice = "Start it, or correct NOCULTURE_KAFKA_BOOTSTRAP."
        return [Finding("Kafka topics", f"no answer: {error}", "problem", advice)]
    try:
        topics = _topics(admin, config)
    finally:
        admin.close()
    mend = _mend(data)
    findings = [finding for topic in topics for finding in _wrong(topic, config, mend)]
    events = [topic for topic in topics if config.named(RELAY_TOPIC) != topic.name]
    findings += _lost(config, events, mend)
    return findings or [Finding("Kafka topics", f"{len(topics)}, as they should be")]


def durability(url: str) -> list[Finding]:
    """Checks that a commit in the database of `url` survives a crash."""
    try:
        with psycopg.connect(url, connect_timeout=ANSWER_WITHIN_S) as connection:
            found = connection.execute(
                "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", (list(DURABLE),)
            ).fetchall()
    except psycopg.Error as error:
        advice = "Start it, or correct the database settings."
        return [Finding("durability", f"no answer: {error}".strip(), "problem", advice)]
    lax = [(name, value) for name, value in found if value in ("off", "local")]
    return [
        Finding(
            name,
            value,
            "problem",
            f"{DURABLE[name].capitalize()}: ALTER SYSTEM SET {name} = on; SELECT pg_reload_conf();"
            f" and look at ALTER ROLE and ALTER DATABASE settings of {name}.",
        )
        for name, value in lax
    ] or [Finding("durability", ", ".join(f"{name}={value}" for name, value in sorted(found)))]


def _topics(admin: KafkaAdminClient, config: KafkaConfig) -> list[_Topic]:
    ours = sorted(
        name
        for name in admin.list_topics()
        if name.startswith(config.named(TOPIC_PREFIX)) or name == config.named(RELAY_TOPIC)
    )
    if not ours:
        return []
    resources = [ConfigResource("topic", name) for name in ours]
    settings = admin.describe_configs(resources, config_filter="all")["topic"]
    return [
        _Topic(
            each["name"],
            len(each["partitions"]),
            len(each["partitions"][0]["replica_nodes"]),
            {key: str(entry["value"]) for key, entry in settings[each["name"]].items()},
        )
        for each in admin.describe_topics(ours)
    ]


def _wrong(topic: _Topic, config: KafkaConfig, mend: str) -> Iterator[Finding]:
    relays = topic.name == config.named(RELAY_TOPIC)
    partitions, wanted = (1, NEWEST_ONLY) if relays else (PARTITIONS, FOR_EVER)
    if topic.partitions != partitions:
        yield Finding(
            topic.name,
            f"{topic.partitions} partitions, should be {partitions}",
            "problem",
            f"Streams would change their partition: {mend} topics delete -t {topic.name}"
            " and the relay refills it.",
        )
    in_sync = str(max(1, topic.replicas - 1))
    least = {"min.insync.replicas": in_sync, "max.message.bytes": str(LARGEST_RECORD_BYTES)}
    for name, value in (wanted | least).items():
        found = topic.settings.get(name, "")
        enough = int(found) >= int(value) if name == "max.message.bytes" else found == value
        if not enough:
            yield Finding(
                topic.name,
                f"{name} is {found}, should be {value}",
                "problem",
                f"{mend} configs alter -r topic -n {topic.name} -c {name}={value}",
            )


def _lost(config: KafkaConfig, topics: list[_Topic], mend: str) -> Iterator[Finding]:
    """Retention or somebody's hand took the oldest records: no later setting brings them back."""
    consumer = KafkaConsumer(**config.consumer(), group_id=None)
    try:
        for topic in topics:
            places = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
            lost = sum(consumer.beginning_offsets(places).values())
            if lost:
                yield Finding(
                    topic.name,
                    f"its {lost} oldest records are gone",
                    "problem",
                    f"{mend} topics delete -t {topic.name} and the relay refills it.",
                )
    finally:
        consumer.close(autocommit=False)


def _mend(data: Path) -> str:
    # To be pasted into a shell, also where the folder has a space in its name.
    program, folder = shlex.quote(str(ROOT / "noculture")), shlex.quote(str(data))
    return f"{program} --data {folder} kafka"
