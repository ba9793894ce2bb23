"""P5: from the acknowledgement of a command to a read that shows it, at 100 commands a second.

Ours are the product's processes (api, relay, worker with every consumer) over HTTP: PATCH of a
tag, then a GET that waits for the change. The peer is a bare record on the same broker at the same
rate: produced with acks=all outside any transaction, seen at once by a consumer that waits for it
and reads uncommitted ones too; ours is read when its transaction has committed. Rounds take turns.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient

from benchmarks.p5_stages import watched
from benchmarks.product import Client, running, sign_up, upload
from benchmarks.result import Result, percentiles
from benchmarks.rig import Rig

RATE = 100
CLIENTS = 16
ROUNDS, SECONDS = 4, 6.0
# As near 3 and 5 as it goes.
P50_GOAL, P99_GOAL = 8.0, 10.0
TOPIC, PARTITIONS = "bench.roundtrip", 12

# Sends the number-th one and answers how long it took to be seen, in seconds.
RoundTrip = Callable[[int], float]


def measure(rig: Rig) -> list[Result]:
    rounds, seconds = (1, 1.0) if rig.quick else (ROUNDS, SECONDS)
    ours: list[float] = []
    theirs: list[float] = []
    database = rig.database()
    with (
        running(rig, rig.folder / "p5", "api", "relay", "worker", database=database) as port,
        _bare(rig.kafka.config().client()) as bare,
    ):
        musician = _Musician(port)
        visible = musician.edit_and_see
        # Connections, plans and caches are made once.
        _paced(visible, 1.0)
        _paced(bare, 1.0)
        for _ in range(rounds):
            theirs += _paced(bare, seconds)
            ours += _paced(visible, seconds)
        with watched(rig.kafka.config(), database.app_url, "vault", "asset") as stages:
            musician.seen = stages.answered
            _paced(visible, seconds)
    mine, their = percentiles(ours), percentiles(theirs)
    return [
        Result(
            name="P5",
            title=f"acknowledged to visible, {RATE} commands/s, {label}",
            ours=mine[label] * 1000,
            peer=f"bare Kafka round trip, {label}",
            theirs=their[label] * 1000,
            ratio=mine[label] / their[label],
            goal=goal,
            unit="ms",
            at_most=True,
            details={
                "seconds_ours": mine,
                "seconds_theirs": their,
                "clients": CLIENTS,
                "peer": "acks=all, no transaction, read uncommitted",
                "stages_ms": stages.medians_ms(),
            },
        )
        for label, goal in (("p50", P50_GOAL), ("p99", P99_GOAL))
    ]


def _paced(round_trip: RoundTrip, seconds: float) -> list[float]:
    """RATE a second, whatever the answers take: who is late is not waited for."""
    began = time.perf_counter()

    def one(number: int) -> float:
        time.sleep(max(0.0, began + number / RATE - time.perf_counter()))
        return round_trip(number)

    with ThreadPoolExecutor(CLIENTS) as clients:
        return list(clients.map(one, range(int(seconds * RATE))))


class _Musician:
    """Each client thread edits an asset of its own."""

    def __init__(self, port: int) -> None:
        client = sign_up(port, "bench")
        # A key may write 3,000 times a minute: a musician has more than one.
        assets = [upload(client, number) for number in range(CLIENTS)]
        self._free = [_Desk(client.again(), asset) for asset in assets]
        self._lock = threading.Lock()
        # (position, acknowledged, answered) of each edit.
        self.seen: list[tuple[int, float, float]] = []

    def edit_and_see(self, number: int) -> float:
        with self._lock:
            desk = self._free.pop()
        _, acknowledged, answered = seen = desk.edit_and_see(number)
        with self._lock:
            self._free.insert(0, desk)
            self.seen.append(seen)
        return answered - acknowledged


class _Desk:
    def __init__(self, client: Client, asset: str) -> None:
        self._client, self._path = client, f"/api/assets/{asset}"
        self._etag = self._client.call("GET", self._path).headers["ETag"]

    def edit_and_see(self, number: int) -> tuple[int, float, float]:
        """(position, acknowledged, answered)"""
        match = {"If-Match": self._etag}
        edited = self._client.call("PATCH", self._path, {"title": f"Take {number}"}, match)
        assert edited.status == 200, edited.body
        acknowledged = time.perf_counter()
        wait = {"Min-Position": edited.headers["Event-Position"], "Prefer": "wait=20"}
        seen = self._client.call("GET", self._path, headers=wait)
        answered = time.perf_counter()
        assert seen.json()["tags"]["title"] == f"Take {number}", seen.body
        self._etag = seen.headers["ETag"]
        return int(edited.headers["Event-Position"]), acknowledged, answered


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
