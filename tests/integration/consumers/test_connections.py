"""An engine says how many connections it needs, and holds no more at the same time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from events.log.postgres import StoreLog
from events.log.progress import LogProgress
from events.store.log import PostgresLog
from processors.consumers import weighing
from processors.consumers.consumer import Consumer
from processors.consumers.projection import ProjectionConsumer
from processors.effects.consumer import EffectConsumer
from processors.rebuild import Rebuilder
from processors.sagas.consumer import SagaConsumer
from processors.vault.audio import AnalysisEffect, ProbeEffect
from processors.wake import Wake
from sagas.vault.ingest import INGEST
from tests.integration.consumers.support import (
    Shelf,
    Tally,
    Writer,
    caught_up,
    codec_of,
    eventually,
    make_tally,
    running,
)


class Shelf2(Shelf, name="shelf", version=2, categories=("analysis", "asset"), holds=Shelf.holds):
    """As a newer program has it."""

    indigestible = None


class Held:
    """How many connections of a pool are held, and were at most."""

    def __init__(self, pool: ConnectionPool, patch: pytest.MonkeyPatch) -> None:
        self._lock, self.now, self.most = threading.Lock(), 0, 0
        self._take = pool.connection
        patch.setattr(pool, "connection", self._counted)

    @contextmanager
    def _counted(self, *arguments: Any, **named: Any) -> Iterator[psycopg.Connection]:
        with self._take(*arguments, **named) as connection:
            self._count(1)
            try:
                yield connection
            finally:
                self._count(-1)

    def _count(self, more: int) -> None:
        with self._lock:
            self.now += more
            self.most = max(self.most, self.now)


def test_an_engine_holds_no_more_connections_than_it_says_while_it_rebuilds(
    pool: ConnectionPool,
    log: PostgresLog,
    writer: Writer,
    store_log: StoreLog,
    progress: LogProgress,
    rebuilder: Rebuilder,
    monkeypatch: pytest.MonkeyPatch,
):
    def others() -> list[Consumer]:
        audio = EffectConsumer("audio", [ProbeEffect, AnalysisEffect], Wake())
        return [SagaConsumer(INGEST, log, codec_of(pool), Wake()), audio]

    writer.lives(50)
    with running([ProjectionConsumer(Shelf()), *others()], store_log, pool, rebuilder):
        caught_up(progress, "shelf", writer.head())
    held = Held(pool, monkeypatch)
    with running([ProjectionConsumer(Shelf2()), *others()], store_log, pool, rebuilder) as engine:
        eventually(lambda: {each.name: each.version for each in progress.all()}["shelf"] == 2)
        caught_up(progress, "shelf", writer.upload()[1])
    assert 3 <= held.most <= engine.connections, "a rebuild alone holds three"


class Slow(Tally):
    """Holds up the others of its lane."""

    name = "slow"

    def apply(self, *_: Any) -> None:
        time.sleep(2 * weighing.HEAVY_S)


def test_a_lane_that_splits_off_has_a_connection_of_its_own(
    pool: ConnectionPool,
    writer: Writer,
    store_log: StoreLog,
    progress: LogProgress,
    rebuilder: Rebuilder,
):
    make_tally(pool)
    before = pool.max_size
    with running([Tally(), Slow()], store_log, pool, rebuilder) as engine:
        needed = engine.connections
        for _ in range(2 * weighing.TIMES):
            caught_up(progress, "tally", writer.upload()[1])
        eventually(lambda: pool.max_size == before + 1)
        caught_up(progress, "slow", writer.upload()[1])
    assert engine.connections == needed + 1
