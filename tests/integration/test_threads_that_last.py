"""Threads that a process starts survive what they meet, or take it with them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from psycopg_pool import ConnectionPool

from commands.account import erasure_watch
from commands.account.erasure_watch import ErasureWatch
from commands.unit import Commands
from events.log.postgres import StoreLog
from events.log.progress_tail import CHANNEL, ProgressTail
from events.log.tail import LogTail
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from processors.consumers import engine
from processors.consumers.projection import ProjectionConsumer
from processors.rebuild import Rebuilder
from processors.vault.sweeping import Sweeper
from read_api.system.live import LiveFeed, Subscription
from tests.conftest import Database
from tests.integration.consumers.support import Shelf, eventually


def test_one_who_could_not_be_woken_deafened_all_who_wait(database: Database, pool: ConnectionPool):
    """An event loop that had ended, for one: the tail's thread ended with it."""

    def broken() -> None:
        raise RuntimeError("Event loop is closed")

    tail, heard = ProgressTail(database.app_url), threading.Event()
    with tail.telling("shelf", broken), tail.telling("shelf", heard.set):

        def say() -> bool:
            with pool.connection() as connection:
                connection.execute("SELECT pg_notify(%s, 'shelf')", (CHANNEL,))
            return heard.wait(0.1)

        eventually(say)
        heard.clear()
        eventually(say)
    tail.close()


def test_an_error_of_another_kind_ended_the_logs_tail(
    database: Database, log: PostgresLog, commands: Commands, monkeypatch: pytest.MonkeyPatch
):
    looked, look = [], LogTail._look

    def at_first_broken(self: LogTail, connection: Any) -> None:
        looked.append(1)
        if len(looked) == 1:
            raise TypeError
        look(self, connection)

    monkeypatch.setattr(LogTail, "_look", at_first_broken)
    tail = LogTail(database.app_url)
    eventually(lambda: len(looked) > 1)
    tail.close()


def test_an_error_of_another_kind_kept_erased_people_in_memory(
    commands: Commands, codec: EventCodec, monkeypatch: pytest.MonkeyPatch
):
    looked: list[int] = []

    def broken(*_: object, **__: object) -> list[str]:
        looked.append(1)
        raise TypeError

    monkeypatch.setattr(erasure_watch, "POLL_S", 0.01)
    monkeypatch.setattr(erasure_watch, "erased_lately", broken)
    kept = ErasureWatch(codec.keys, commands)  # type: ignore[arg-type]
    eventually(lambda: len(looked) > 2)
    kept.stop()


def test_a_listener_whose_loop_had_ended_silenced_the_live_feed(monkeypatch: pytest.MonkeyPatch):
    class Entry:
        position, type, tenant = 1, "asset.uploaded", "wsp_1"

        def to_json(self) -> dict[str, Any]:
            return {}

    class Tail:
        def wait(self, position: int, timeout_s: float) -> None:
            threading.Event().wait(0.01)

    reads: list[int] = []

    def read(after: int, limit: int, tenant: str | None) -> Sequence[Entry]:
        reads.append(after)
        return [Entry()] if len(reads) == 1 else []

    feed = LiveFeed(Tail(), lambda: 0, read, lambda holders: holders)  # type: ignore[arg-type]

    def ended(*_: object) -> None:
        raise RuntimeError("Event loop is closed")

    # It ends between the look at it and the call into it.
    loop = SimpleNamespace(is_closed=lambda: False, call_soon_threadsafe=ended)
    feed._subscribe(Subscription("acc_1", "wsp_1", "key_1", loop))  # type: ignore[arg-type]
    eventually(lambda: len(reads) > 2)
    feed.close()


def test_a_consumer_whose_thread_ended_stood_still_and_nobody_was_told(
    database: Database, pool: ConnectionPool, codec: EventCodec, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(engine, "EPOCH_CHECK_S", 0.05)
    monkeypatch.setattr(engine.Lane, "run", lambda self, stop: None)
    tail = LogTail(database.app_url)
    store_log = StoreLog(database.app_url, pool, tail)
    consuming = engine.Engine(
        [ProjectionConsumer(Shelf())], store_log, pool, codec, Rebuilder(pool, codec, "postgres")
    )
    stop = threading.Event()
    late = threading.Timer(20, stop.set)
    late.start()
    with pytest.raises(engine.ConsumerLost, match="projection"):
        consuming.run(stop)
    stop.set()
    late.cancel()
    tail.close()


def test_a_sweeper_ended_at_an_error_that_it_did_not_know(monkeypatch: pytest.MonkeyPatch):
    swept, stop = [], threading.Event()

    def broken(self: Sweeper) -> int:
        swept.append(1)
        if len(swept) > 2:
            stop.set()
        raise TypeError

    monkeypatch.setattr("processors.vault.sweeping.LOOK_EVERY_S", 0.01)
    monkeypatch.setattr("processors.vault.sweeping.RETRY_S", 0.0)
    monkeypatch.setattr(Sweeper, "sweep", broken)
    monkeypatch.setattr(Sweeper, "_staged_for_the_closed", broken)
    Sweeper(None, None).run(stop)  # type: ignore[arg-type]
    assert len(swept) == 3
