"""Where the time between acknowledged and visible goes, seen from outside the product's processes.

One more reader of Kafka and one more listener of Postgres note when each change gets by: its record
readable, its view's batch committed. Their rounds are not those that are measured.
"""

from __future__ import annotations

import bisect
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from kafka import KafkaConsumer

from events.log.kafka_config import KafkaConfig
from events.log.partitions import topic_of
from events.log.progress_tail import CHANNEL

POLL_S = 0.25


class Stages:
    """Moments of `time.perf_counter`. `answered` is told by who waits."""

    def __init__(self) -> None:
        self.readable: dict[int, float] = {}
        self.committed: list[float] = []
        self.answered: list[tuple[int, float, float]] = []

    def medians_ms(self) -> dict[str, float]:
        """Medians of the changes that were seen at each stage; a change counts as committed when
        its view first tells of a batch after the record could be read.
        """
        to_kafka, to_view, to_answer = [], [], []
        for position, acknowledged, answered in self.answered:
            readable = self.readable.get(position)
            if readable is None:
                continue
            at = bisect.bisect(self.committed, readable)
            if at == len(self.committed):
                continue
            to_kafka.append(readable - acknowledged)
            to_view.append(self.committed[at] - readable)
            to_answer.append(answered - self.committed[at])
        stages = {
            "acknowledged to readable on Kafka": to_kafka,
            "readable on Kafka to the view's commit": to_view,
            "the view's commit to the answer": to_answer,
        }
        return {
            name: round(statistics.median(each) * 1000, 2) for name, each in stages.items() if each
        }


@contextmanager
def watched(kafka: KafkaConfig, url: str, view: str, category: str) -> Iterator[Stages]:
    """Notes what gets by while the block runs."""
    stages, stop = Stages(), threading.Event()
    consumer = KafkaConsumer(
        topic_of(category),
        **kafka.client(),
        group_id=None,
        auto_offset_reset="latest",
        isolation_level="read_committed",
        enable_auto_commit=False,
        metrics_enabled=False,
    )
    threads = [
        threading.Thread(target=_read, args=(consumer, stages, stop)),
        threading.Thread(target=_listen, args=(url, view, stages, stop)),
    ]
    for thread in threads:
        thread.start()
    try:
        yield stages
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        consumer.close()


def _read(consumer: KafkaConsumer, stages: Stages, stop: threading.Event) -> None:
    while not stop.is_set():
        for records in consumer.poll(timeout_ms=int(POLL_S * 1000)).values():
            now = time.perf_counter()
            for record in records:
                stages.readable[int(dict(record.headers)["ce_position"])] = now


def _listen(url: str, view: str, stages: Stages, stop: threading.Event) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"LISTEN {CHANNEL}")
        while not stop.is_set():
            for said in connection.notifies(timeout=POLL_S, stop_after=1):
                if view in said.payload.split(","):
                    stages.committed.append(time.perf_counter())
