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

from benchmarks.result import Result, percentiles
from benchmarks.rig import Database, Rig
from benchmarks.vault import Vault, edited_tags
from commands.unit import Commands
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from events.store.subject_keys import PostgresSubjectKeys

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
    with _ours(rig) as our_work, _peer(rig.database()) as peer_work:
        for _ in range(rounds):
            ours.append(_rate(our_work, CLIENTS, seconds, latencies_s))
            theirs.append(_rate(peer_work, PEER_THREADS, seconds, peer_latencies_s))
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
                "rounds_ours": [round(rate) for rate in ours],
                "rounds_theirs": [round(rate) for rate in theirs],
                "latency_s_ours": percentiles(latencies_s),
                "latency_s_theirs": percentiles(peer_latencies_s),
            },
        )
    ]


def _rate(work: Work, clients: int, seconds: float, latencies_s: list[float]) -> float:
    """Commands a second of `clients` threads that each wait for their answer."""
    gc.collect()
    barrier, failed = threading.Barrier(clients + 1), []
    done: list[list[float]] = [[] for _ in range(clients)]
    deadline = [0.0]

    def client(number: int) -> None:
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
        vault = Vault(Commands(log, pool, codec, b"k" * 32))
        assets = [[vault.add() for _ in range(STREAMS_PER_CLIENT)] for _ in range(CLIENTS)]
        counts = [0] * CLIENTS

        def work(client: int, number: int) -> None:
            counts[client] += 1
            vault.edit(assets[client][number % STREAMS_PER_CLIENT], counts[client])

        try:
            yield work
        finally:
            log.close()


class Recording(Aggregate):
    """The peer's asset: one event for each change of its tags, with the content of ours."""

    def __init__(self, workspace_id: str, uploaded_by: str, filename: str) -> None:
        self.workspace_id, self.uploaded_by, self.filename = workspace_id, uploaded_by, filename
        self.tags: dict[str, Any] = {}

    @event("TagsEdited")
    def edit_tags(
        self, workspace_id: str, edited_by: str, changed: list[str], tags: dict[str, Any]
    ) -> None:
        self.tags = tags


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
    kept: list[list[Recording]] = []
    for _ in range(PEER_THREADS):
        recordings = [
            Recording("wsp_" + "0" * 32, "acc_" + "0" * 32, "Night Drive (Remix).flac")
            for _ in range(STREAMS_PER_CLIENT)
        ]
        application.save(*recordings)
        kept.append(recordings)

    def work(client: int, number: int) -> None:
        recording = kept[client][number % STREAMS_PER_CLIENT]
        changes = edited_tags(recording.version)
        recording.edit_tags(recording.workspace_id, recording.uploaded_by, list(changes), changes)
        application.save(recording)

    try:
        yield work
    finally:
        application.close()
