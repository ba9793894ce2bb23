"""The topic of the log's signed checkpoints: whoever reads it holds them outside our database.

One partition, kept for ever, key = log id. A checkpoint may come twice; (epoch, size) names it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing, suppress
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError

from events.log.kafka_config import KafkaConfig
from events.log.kafka_topics import FOR_EVER

CHECKPOINTS_TOPIC = "noculture.log.checkpoints"
_TRANSACTIONAL = ("transactional_id", "transaction_timeout_ms")
_POLL_MS = 10_000


class CheckpointTopic:
    """Its own idempotent producer, opened for each publishing: that is once a minute."""

    def __init__(self, config: KafkaConfig) -> None:
        self._config = config
        self._name = config.named(CHECKPOINTS_TOPIC)

    def last(self) -> dict[str, Any] | None:
        """The newest record's value; None for an empty topic. Raises KafkaError."""
        self._ensure()
        consumer = KafkaConsumer(**self._config.consumer(), group_id=None)
        try:
            partition = TopicPartition(self._name, 0)
            end = consumer.end_offsets([partition])[partition]
            if end == consumer.beginning_offsets([partition])[partition]:
                return None
            consumer.assign([partition])
            consumer.seek(partition, end - 1)
            records = consumer.poll(timeout_ms=_POLL_MS).get(partition)
            if not records:
                raise KafkaError(f"{self._name} does not give its last record")
            value: dict[str, Any] = json.loads(records[-1].value)
            return value
        finally:
            consumer.close(autocommit=False, timeout_ms=2_000)

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
