"""An event that the broker does not take is named: it is not the weather."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from kafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError

from events.log.kafka_config import KafkaConfig
from events.log.outgoing import OutgoingRecord
from events.log.partitions import LogPartition, topic_of
from events.log.proof import RecordMac
from processors import publisher as publishing
from processors.publisher import Progress, Publisher, RecordRefused

RECORD = OutgoingRecord(
    7, "ast_1", 1, LogPartition(topic_of("asset"), 0), 0, b"x" * 99, b"ast_1", ()
)


class Producer:
    """Refuses at once (the client's own limit) or in its answer (the broker's)."""

    config = {"max_block_ms": 1_000}

    def __init__(self, error: KafkaError, *, at_once: bool) -> None:
        self._error, self._at_once = error, at_once

    def send(self, *record: Any, **where: Any) -> Any:
        if self._at_once:
            raise self._error
        return SimpleNamespace(succeeded=lambda: False, exception=self._error)

    def init_transactions(self) -> None: ...
    def begin_transaction(self) -> None: ...
    def flush(self, timeout_s: float) -> None: ...


class Topics:
    def __init__(self, config: KafkaConfig) -> None: ...

    def ensure(self, categories: set[str]) -> dict[str, str]:
        return {topic_of(category): "id" for category in categories}


def publisher(monkeypatch: pytest.MonkeyPatch, error: KafkaError, *, at_once: bool) -> Publisher:
    producer = Producer(error, at_once=at_once)
    monkeypatch.setattr(publishing, "TransactionalProducer", lambda **_: producer)
    monkeypatch.setattr(publishing, "KafkaTopics", Topics)
    return Publisher(KafkaConfig(bootstrap="127.0.0.1:1"), "log", 1, RecordMac(b"k" * 32))


@pytest.mark.parametrize("at_once", [True, False])
def test_a_record_that_is_too_large_was_tried_again_for_ever_and_nobody_was_told(
    monkeypatch: pytest.MonkeyPatch, at_once: bool
):
    refusing = publisher(monkeypatch, MessageSizeTooLargeError(), at_once=at_once)
    with pytest.raises(RecordRefused, match=r"position 7 \(99 bytes\): MessageSizeTooLargeError"):
        refusing.publish([RECORD], Progress())


def test_a_broker_that_does_not_answer_is_the_weather(monkeypatch: pytest.MonkeyPatch):
    waiting = publisher(monkeypatch, KafkaTimeoutError(), at_once=False)
    with pytest.raises(KafkaTimeoutError):
        waiting.publish([RECORD], Progress())
