"""Topics: one per category and the relay's own; made and written by the relay alone."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaTimeoutError, NoError, TopicAlreadyExistsError, for_code

from events.log.errors import WrongPartitions
from events.log.kafka_config import RELAY_TOPIC, KafkaConfig
from events.log.partitions import PARTITIONS, TOPIC_PREFIX, topic_of

FOR_EVER = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
NEWEST_ONLY = {"cleanup.policy": "compact"}
DELETED_WITHIN_S = 30
MADE_WITHIN_S = 10.0
LOOK_S = 0.2


class KafkaTopics:
    """Names are those of CONTRACT §3; the prefix of the configuration is put on and taken
    off here.
    """

    def __init__(self, config: KafkaConfig) -> None:
        self._config = config

    def ensure(self, categories: Iterable[str]) -> dict[str, str]:
        """Make what is missing; answers topic → topic id. Raises WrongPartitions."""
        wanted = _wanted(categories)
        with self._admin() as admin:
            present = set(admin.list_topics())
            missing = {
                self._config.named(topic): self._description(*described)
                for topic, described in wanted.items()
                if self._config.named(topic) not in present
            }
            if missing:
                _create(admin, missing)
            return self._ids(admin, wanted)

    def made(self, categories: Iterable[str]) -> dict[str, str]:
        """As `ensure`, for those who have no right to make any: waits for the relay, which makes
        all when it starts. Raises WrongPartitions, KafkaTimeoutError.
        """
        wanted = _wanted(categories)
        names = {self._config.named(topic) for topic in wanted}
        deadline = time.monotonic() + MADE_WITHIN_S
        with self._admin() as admin:
            while missing := names - set(admin.list_topics()):
                if time.monotonic() > deadline:
                    raise KafkaTimeoutError(f"no relay has made {sorted(missing)} yet")
                time.sleep(LOOK_S)
            return self._ids(admin, wanted)

    def ids(self, topics: Iterable[str]) -> dict[str, str]:
        """topic → topic id, of those of `topics` that there are."""
        names = {self._config.named(topic): topic for topic in topics}
        with self._admin() as admin:
            present = sorted(set(names) & set(admin.list_topics()))
            described = admin.describe_topics(present) if present else []
        return {names[each["name"]]: str(each["topic_id"]) for each in described}

    def events(self) -> list[str]:
        """Every topic of events that there is, also of categories that this process does
        not know.
        """
        with self._admin() as admin:
            names = [self._config.logical(name) for name in admin.list_topics() if self._ours(name)]
        return sorted(names)

    def delete_all(self) -> None:
        """Topics of events and the relay's; returns when the names are free again."""
        with self._admin() as admin:
            doomed = {name for name in admin.list_topics() if self._ours(name)}
            doomed |= {self._config.named(RELAY_TOPIC)} & set(admin.list_topics())
            if doomed:
                admin.delete_topics(sorted(doomed))
            deadline = time.monotonic() + DELETED_WITHIN_S
            while doomed & set(admin.list_topics()):
                if time.monotonic() > deadline:
                    raise KafkaTimeoutError(f"the broker did not delete {sorted(doomed)}")
                time.sleep(0.1)

    def _ours(self, physical: str) -> bool:
        return physical.startswith(self._config.named(TOPIC_PREFIX))

    def _description(self, partitions: int, configs: dict[str, str]) -> dict[str, Any]:
        return {
            "num_partitions": partitions,
            "replication_factor": self._config.replication_factor,
            "configs": configs,
        }

    def _ids(
        self, admin: KafkaAdminClient, wanted: dict[str, tuple[int, dict[str, str]]]
    ) -> dict[str, str]:
        names = {self._config.named(topic): topic for topic in wanted}
        admin.wait_for_topics(list(names))
        ids: dict[str, str] = {}
        for description in admin.describe_topics(list(names)):
            topic = names[description["name"]]
            partitions = len(description["partitions"])
            if partitions != wanted[topic][0]:
                raise WrongPartitions(topic, partitions, wanted[topic][0])
            ids[topic] = str(description["topic_id"])
        return ids

    @contextmanager
    def _admin(self) -> Iterator[KafkaAdminClient]:
        admin = KafkaAdminClient(**self._config.client())
        try:
            yield admin
        finally:
            admin.close()


def _create(admin: KafkaAdminClient, missing: dict[str, dict[str, Any]]) -> None:
    """In one request. Another process may be first with some."""
    for answer in admin.create_topics(missing, raise_errors=False)["topics"]:
        error = for_code(answer["error_code"])
        if error not in (NoError, TopicAlreadyExistsError):
            raise error(f"{answer['name']}: {answer['error_message']}")


def _wanted(categories: Iterable[str]) -> dict[str, tuple[int, dict[str, str]]]:
    """topic → partitions and settings."""
    wanted = {topic_of(category): (PARTITIONS, FOR_EVER) for category in categories}
    return wanted | {RELAY_TOPIC: (1, NEWEST_ONLY)}
