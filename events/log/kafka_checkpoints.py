"""The topic of the log's signed checkpoints: whoever reads it holds them outside our database.

One partition, kept for ever, key = log id. A checkpoint may come twice; (epoch, size) names it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from typing import Any

from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient
from kafka.errors import TopicAlreadyExistsError

from events.log.kafka_config import KafkaConfig
from events.log.kafka_reading import last_value
from events.log.kafka_topics import FOR_EVER

CHECKPOINTS_TOPIC = "noculture.log.checkpoints"
_TRANSACTIONAL = ("transactional_id", "transaction_timeout_ms")
_POLL_MS = 10_000


class CheckpointTopic:
    """Its own idempotent producer, opened for each publishing: that is once a minute."""

    def __init__(self, config: KafkaConfig) -> None:
        self._config = config
        self._name = config.named(CHECKPOINTS_TOPIC)

    def last(self, counts: Callable[[bytes], bool]) -> dict[str, Any] | None:
        """The newest value that counts; None where there is none. Raises KafkaError."""
        self._ensure()
        found = last_value(
            self._config,
            CHECKPOINTS_TOPIC,
            lambda record: record.value is not None and counts(bytes(record.value)),
        )
        return None if found is None else dict(json.loads(found))

    def publish(self, checkpoints: Sequence[dict[str, Any]]) -> None:
        """Acknowledged when it returns. Raises KafkaError."""
        settings = {k: v for k, v in self._config.producer().items() if k not in _TRANSACTIONAL}
        producer = KafkaProducer(**settings, enable_idempotence=True)
        try:
            sent = [
                producer.send(
                    self._name, json.dumps(checkpoint).encode(), checkpoint["log_id"].encode()
                )
                for checkpoint in checkpoints
            ]
            for future in sent:
                future.get(timeout=_POLL_MS / 1000)
        finally:
            producer.close(timeout=0)

    def _ensure(self) -> None:
        with closing(KafkaAdminClient(**self._config.client())) as admin:
            if self._name in admin.list_topics():
                return
            with suppress(TopicAlreadyExistsError):
                admin.create_topics(
                    {
                        self._name: {
                            "num_partitions": 1,
                            "replication_factor": self._config.replication_factor,
                            "configs": FOR_EVER,
                        }
                    }
                )
            admin.wait_for_topics([self._name])
