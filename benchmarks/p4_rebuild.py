"""P4: a read model made anew from a log of a million events, compared and swapped.

Ours is the product's Rebuilder. Peers of the same run, interleaved: the library's ProjectionRunner
on the same events and table (one transaction an event; some seconds of it), and a bare consumer
that reads the same pages and decodes them into the same event models, on one thread.
"""

from __future__ import annotations

import gc
import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit

import psycopg
from eventsourcing.projection import ProjectionRunner
from psycopg_pool import ConnectionPool

from benchmarks.p4_view import (
    EVENTS_A_STREAM,
    Analyses,
    Attempts,
    LibraryAttempts,
    LibraryAttemptsProjection,
    fill,
)
from benchmarks.result import Result
from benchmarks.rig import Database, Rig
from events.log.partitions import STORE
from events.store.codec import EventCodec
from events.store.postgres import PostgresEvents
from events.store.subject_keys import PostgresSubjectKeys
from processors.consumers.folding import PAGE
from processors.consumers.projection import ProjectionConsumer
from processors.consumers.registry import register
from processors.rebuild import Rebuilder, Rebuilt

EVENTS, QUICK_EVENTS = 1_000_000, 6_000
ROUNDS, PEER_S = 3, 6.0
PEER_GOAL, BARE_GOAL = 200.0, 0.5


def measure(rig: Rig) -> list[Result]:
    events = QUICK_EVENTS if rig.quick else EVENTS
    rounds, peer_s = (1, 0.5) if rig.quick else (ROUNDS, PEER_S)
    database = rig.database()
    fill(database.app_url, events, rig.seed)
    ours, bare, library, rebuilt = [], [], [], []
    with _library(rig.database()) as peer, rig.pool(database.worker_url) as pool:
        codec = EventCodec(PostgresSubjectKeys(pool, os.urandom(32)))
        _digested(database, pool)
        consumer, rebuilder = ProjectionConsumer(Attempts()), Rebuilder(pool, codec, "postgres")
        # The first one compares with an empty table; the others with the one before them.
        rebuilder.rebuild(consumer)
        for _ in range(rounds):
            gc.collect()
            rebuilt.append(rebuilder.rebuild(consumer))
            ours.append(rebuilt[-1].events / rebuilt[-1].seconds)
            bare.append(_bare(pool, codec))
            library.append(_rate(peer, peer_s))
    assert all(each.identical and each.events == events for each in rebuilt)
    return _results(events, ours, bare, library, rebuilt)


def _results(
    events: int,
    ours: list[float],
    bare: list[float],
    library: list[float],
    rebuilt: list[Rebuilt],
) -> list[Result]:
    rate = statistics.median(ours)
    details = {
        "events": events,
        "events_a_row": EVENTS_A_STREAM,
        "page": PAGE,
        "rounds_ours": [round(each) for each in ours],
        "held_ms": [round(each.held_ms, 1) for each in rebuilt],
        "identical": all(each.identical for each in rebuilt),
    }
    peers = (
        ("eventsourcing ProjectionRunner", library, PEER_GOAL, "rebuild of a read model"),
        ("a consumer that only decodes", bare, BARE_GOAL, "the same, against reading alone"),
    )
    return [
        Result(
            name="P4",
            title=f"{title}, {events:,} events",
            ours=rate,
            peer=peer,
            theirs=statistics.median(rates),
            ratio=rate / statistics.median(rates),
            goal=goal,
            unit="events/s",
            details=details | {"rounds_theirs": [round(each) for each in rates]},
        )
        for peer, rates, goal, title in peers
    ]


def _digested(database: Database, pool: ConnectionPool) -> None:
    """As if a worker had read everything; and what autovacuum does in an installation's life."""
    register(pool, ProjectionConsumer(Attempts()), [STORE])
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        connection.execute("UPDATE checkpoints SET position = (SELECT max(position) FROM events)")
        connection.execute("VACUUM ANALYZE events")


def _bare(pool: ConnectionPool, codec: EventCodec) -> float:
    gc.collect()
    began, count = time.perf_counter(), 0
    for page in PostgresEvents(pool).walk(page=PAGE, categories=Attempts.categories):
        for event in page:
            count += codec.decode(event) is not None
    return count / (time.perf_counter() - began)


@contextmanager
def _library(database: Database) -> Iterator[dict[str, str]]:
    """Settings of the peer, with a log that lasts for the measurement."""
    address = urlsplit(database.owner_url)
    settings = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": address.path[1:],
        "POSTGRES_HOST": address.hostname or "",
        "POSTGRES_PORT": str(address.port),
        "POSTGRES_USER": unquote(address.username or ""),
        "POSTGRES_PASSWORD": unquote(address.password or ""),
    }
    with Analyses(env=settings) as application:
        application.write(streams=5_000)
    yield settings


def _rate(settings: dict[str, str], seconds: float) -> float:
    """Events a second of the peer, which goes on where it was."""
    gc.collect()
    with ProjectionRunner(
        application_class=Analyses,
        projection_class=LibraryAttemptsProjection,
        view_class=LibraryAttempts,
        env=settings,
    ):
        before, began = LibraryAttemptsProjection.processed, time.perf_counter()
        time.sleep(seconds)
        done, took = LibraryAttemptsProjection.processed - before, time.perf_counter() - began
    return done / took
