"""A consumer that begins again and again is stopped in everybody's eyes, until it works."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest
from psycopg_pool import ConnectionPool

from events.log.port import LoadVector, LogItem, LogPartition, LogReader
from events.log.postgres import StoreLog
from events.log.progress import LogProgress
from processors.consumers import engine, feed, lane
from processors.consumers.projection import ProjectionConsumer
from processors.rebuild import Rebuilder
from read_api.system.system import consumers_running
from tests.integration.consumers.support import Shelf, Writer, codec_of, eventually


class Broken:
    """The store's log; its readers raise what no consumer expects, until it is mended."""

    def __init__(self, store_log: StoreLog) -> None:
        self._store_log, self.mended = store_log, threading.Event()

    def partitions(self, categories: Sequence[str]) -> list[LogPartition]:
        return self._store_log.partitions(categories)

    def reader(self, consumer: str, categories: Sequence[str], load: LoadVector) -> LogReader:
        reader = self._store_log.reader(consumer, categories, load)
        answer = reader.poll

        def poll(limit: int, timeout_s: float) -> Sequence[LogItem]:
            if not self.mended.is_set():
                raise ZeroDivisionError("with a secret in its text")
            return answer(limit, 0.05)

        reader.poll = poll
        return reader


def test_readiness_knows_of_a_consumer_that_starts_again_for_ever(
    pool: ConnectionPool, store_log: StoreLog, writer: Writer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(feed, "HEALTHY_AFTER_S", 0.05)
    monkeypatch.setattr(lane, "HEALTHY_AFTER_S", 0.05)
    writer.upload()
    broken, stop, codec = Broken(store_log), threading.Event(), codec_of(pool)
    consuming = engine.Engine(
        [ProjectionConsumer(Shelf())], broken, pool, codec, Rebuilder(pool, codec, "postgres")
    )
    thread = threading.Thread(target=consuming.run, args=(stop,))
    thread.start()
    progress = LogProgress(pool, "postgres")
    try:
        wanted = "shelf: ZeroDivisionError, again and again: see its log"
        eventually(lambda: consumers_running(progress, ["shelf"]) == wanted)
        broken.mended.set()
        eventually(lambda: consumers_running(progress, ["shelf"]) is None)
    finally:
        stop.set()
        thread.join(30)
