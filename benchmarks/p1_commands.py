"""P1: single-event commands through a cached aggregate, a durable commit each.

Ours is the real unit of work: decide, validate, encode, hash of the input, idempotency, chain. The
peer is the library's own aggregate kept in memory and saved with its Postgres recorder at default
settings (`LOCK TABLE`, JSON), which is the fastest way it has to write one event.
"""

from __future__ import annotations

import gc
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from benchmarks.laboratory import CODE, REASON, SHA256, Laboratory
from benchmarks.result import Result, percentiles
from benchmarks.rig import Database, Rig
from commands.unit import Commands
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from events.store.subject_keys import PostgresSubjectKeys
from kit.cores import keep_to
from runtime.supervised import core_of

CLIENTS, PEER_THREADS = 32, 8
STREAMS_PER_CLIENT = 8
GOAL = 8.0

# Does one command: the client's number and how many it did before.
Work = Callable[[int, int], None]


def measure(rig: Rig) -> list[Result]:
    rounds, seconds = (1, 0.3) if rig.quick else (5, 3.0)
    ours: list[float] = []
    theirs: list[float] = []
    latencies_s: list[float] = []
    peer_latencies_s: list[float] = []
    # As `up` starts the API; the library's threads are quicker on one core, too.
    core = core_of("api")
    with _ours(rig) as our_work, _peer(rig.database()) as peer_work:
        for _ in range(rounds):
            ours.append(_rate(our_work, CLIENTS, seconds, latencies_s, core))
            theirs.append(_rate(peer_work, PEER_THREADS, seconds, peer_latencies_s, core))
    mine, their = statistics.median(ours), statistics.median(theirs)
    return [
        Result(
            name="P1",
            title=f"single-event commands, {CLIENTS} clients",
            ours=mine,
            peer=f"eventsourcing aggregate + Postgres recorder, {PEER_THREADS} threads",
            theirs=their,
            ratio=mine / their,
            goal=GOAL,
            unit="commands/s",
            details={
                "on_one_core": core is not None,
                "rounds_ours": [round(rate) for rate in ours],
                "rounds_theirs": [round(rate) for rate in theirs],
                "latency_s_ours": percentiles(latencies_s),
                "latency_s_theirs": percentiles(peer_latencies_s),
            },
        )
    ]


def _rate(
    work: Work, clients: int, seconds: float, latencies_s: list[float], core: int | None = None
) -> float:
    """Commands a second of `clients` threads that each wait for their answer, on `core`."""
    gc.collect()
    barrier, failed = threading.Barrier(clients + 1), []
    done: list[list[float]] = [[] for _ in range(clients)]
    deadline = [0.0]

    def client(number: int) -> None:
        keep_to(core)
        barrier.wait()
        try:
            while (began := time.perf_counter()) < deadline[0]:
                work(number, len(done[number]))
                done[number].append(time.perf_counter() - began)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    began = time.perf_counter()
    deadline[0] = began + seconds
    barrier.wait()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - began
    if failed:
        raise failed[0]
    latencies_s += [latency for each in done for latency in each]
    return sum(map(len, done)) / elapsed


@contextmanager
def _ours(rig: Rig) -> Iterator[Work]:
    database = rig.database()
    with rig.pool(database.app_url) as pool:
        log = PostgresLog(database.app_url, pool)
        codec = EventCodec(PostgresSubjectKeys(pool, b"m" * 32))
        laboratory = Laboratory(Commands(log, pool, codec, b"k" * 32))
        streams = [[laboratory.open() for _ in range(STREAMS_PER_CLIENT)] for _ in range(CLIENTS)]
        done = [[0] * STREAMS_PER_CLIENT for _ in range(CLIENTS)]

        def work(client: int, number: int) -> None:
            stream = number % STREAMS_PER_CLIENT
            laboratory.step(streams[client][stream], done[client][stream])
            done[client][stream] += 1

        # Every stream exists and its state is cached before the clock runs.
        for client in range(CLIENTS):
            for number in range(STREAMS_PER_CLIENT):
                work(client, number)
        try:
            yield work
        finally:
            log.close()


class Measuring(Aggregate):
    """The peer's analysis: the same events with the same content."""

    def __init__(self, asset_id: str, workspace_id: str) -> None:
        self.asset_id, self.workspace_id = asset_id, workspace_id
        self.attempt, self.state = 0, "failed"

    def step(self) -> None:
        if self.state == "failed":
            self.request(self.asset_id, self.workspace_id, SHA256, self.attempt + 1)
        else:
            self.fail(self.asset_id, self.workspace_id, self.attempt, CODE, REASON)

    @event("Requested")
    def request(self, asset_id: str, workspace_id: str, sha256: str, attempt: int) -> None:
        self.attempt, self.state = attempt, "requested"

    @event("AttemptFailed")
    def fail(self, asset_id: str, workspace_id: str, attempt: int, code: str, reason: str) -> None:
        self.state = "failed"


@contextmanager
def _peer(database: Database) -> Iterator[Work]:
    address = urlsplit(database.owner_url)
    application = Application[Any](
        env={
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": address.path[1:],
            "POSTGRES_HOST": address.hostname or "",
            "POSTGRES_PORT": str(address.port),
            "POSTGRES_USER": unquote(address.username or ""),
            "POSTGRES_PASSWORD": unquote(address.password or ""),
        }
    )
    kept: list[list[Measuring]] = []
    for _ in range(PEER_THREADS):
        mine = [Measuring("ast_" + "0" * 32, "wsp_" + "0" * 32) for _ in range(STREAMS_PER_CLIENT)]
        application.save(*mine)
        kept.append(mine)

    def work(client: int, number: int) -> None:
        measuring = kept[client][number % STREAMS_PER_CLIENT]
        measuring.step()
        application.save(measuring)

    try:
        yield work
    finally:
        application.close()
