"""P5: from the acknowledgement of a command to a read that shows it, at 100 commands a second.

Ours are the product's processes (api, relay, worker with every consumer) over HTTP: PATCH of a
tag, then a GET that waits for the change. The peer is a bare record on the same broker at the same
rate: produced with acks=all outside any transaction, seen at once by a consumer that waits for it
and reads uncommitted ones too; ours is read when its transaction has committed. Rounds take turns.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient

from benchmarks.edits import RATE, Musician, RoundTrip, compared, paced
from benchmarks.p5_stages import watched
from benchmarks.product import running
from benchmarks.result import Result
from benchmarks.rig import Rig

ROUNDS, SECONDS = 4, 6.0
# As near 3 and 5 as it goes.
GOALS = {"p50": 8.0, "p99": 10.0}
TOPIC, PARTITIONS = "bench.roundtrip", 12


def measure(rig: Rig) -> list[Result]:
    rounds, seconds = (1, 1.0) if rig.quick else (ROUNDS, SECONDS)
    ours: list[float] = []
    theirs: list[float] = []
    database = rig.database()
    with (
        running(rig, rig.folder / "p5", "api", "relay", "worker", database=database) as port,
        _bare(rig.kafka.config().client()) as bare,
    ):
        musician = Musician(port)
        visible = musician.edit_and_see
        # Connections, plans and caches are made once.
        paced(visible, 1.0)
        paced(bare, 1.0)
        for _ in range(rounds):
            theirs += paced(bare, seconds)
            ours += paced(visible, seconds)
        with watched(rig.kafka.config(), database.app_url, "vault", "asset") as stages:
            musician.seen = stages.answered
            paced(visible, seconds)
    return compared(
        "P5",
        f"acknowledged to visible, {RATE} commands/s",
        "bare Kafka round trip",
        *(ours, theirs, GOALS),
        {"peer": "acks=all, no transaction, read uncommitted", "stages_ms": stages.medians_ms()},
    )


@contextmanager
def _bare(kafka: dict[str, Any]) -> Iterator[RoundTrip]:
    admin = KafkaAdminClient(**kafka)
    admin.create_topics({TOPIC: {"num_partitions": PARTITIONS, "replication_factor": 1}})
    admin.wait_for_topics([TOPIC])
    admin.close()
    producer = KafkaProducer(**kafka, acks="all", metrics_enabled=False)
    consumer = KafkaConsumer(
        TOPIC,
        **kafka,
        group_id=None,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        metrics_enabled=False,
    )
    waiting: dict[bytes, threading.Event] = {}
    stop, numbers = threading.Event(), iter(range(10**9))

    def consume() -> None:
        while not stop.is_set():
            for records in consumer.poll(timeout_ms=250).values():
                for record in records:
                    waiting[bytes(record.value[:8])].set()

    def round_trip(_: int) -> float:
        name = next(numbers).to_bytes(8, "big")
        seen = waiting[name] = threading.Event()
        began = time.perf_counter()
        producer.send(TOPIC, name + b"x" * 400, key=name)
        assert seen.wait(30)
        return time.perf_counter() - began

    consuming = threading.Thread(target=consume)
    consuming.start()
    try:
        yield round_trip
    finally:
        stop.set()
        consuming.join()
        consumer.close()
        producer.close()
