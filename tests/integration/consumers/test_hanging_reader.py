"""A reader that stands still inside its library ends the process: no thread can be ended."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest
from psycopg_pool import ConnectionPool

from events.log.port import LoadVector, LogItem, LogPartition, LogReader
from events.log.postgres import StoreLog
from processors.consumers import engine
from processors.consumers.projection import ProjectionConsumer
from processors.rebuild import Rebuilder
from tests.integration.consumers.support import Shelf, Writer, codec_of


class StandsStill:
    """The store's log, whose readers answer once and then no more, as kafka-python's did."""

    def __init__(self, store_log: StoreLog, released: threading.Event) -> None:
        self._store_log, self._released = store_log, released

    def partitions(self, categories: Sequence[str]) -> list[LogPartition]:
        return self._store_log.partitions(categories)

    def reader(self, consumer: str, categories: Sequence[str], load: LoadVector) -> LogReader:
        reader = self._store_log.reader(consumer, categories, load)
        answer, answered = reader.poll, []

        def poll(limit: int, timeout_s: float) -> Sequence[LogItem]:
            if answered:
                self._released.wait(60)
            answered.append(True)
            return answer(limit, timeout_s)

        reader.poll = poll
        return reader


def test_a_reader_that_never_answers_ends_the_engine(
    pool: ConnectionPool,
    store_log: StoreLog,
    writer: Writer,
    monkeypatch: pytest.MonkeyPatch,
):
    """Regression: after a restart of everything one consumer of ten joined its group, stood still
    and was "starting" for ever.
    """
    monkeypatch.setattr(engine, "HANGS_AFTER_S", 0.3)
    monkeypatch.setattr(engine, "EPOCH_CHECK_S", 0.05)
    writer.upload()
    released, stop = threading.Event(), threading.Event()
    codec = codec_of(pool)
    consuming = engine.Engine(
        [ProjectionConsumer(Shelf())],
        StandsStill(store_log, released),
        pool,
        codec,
        Rebuilder(pool, codec, "postgres"),
    )
    try:
        with pytest.raises(engine.ReaderHangs, match="reader"):
            consuming.run(stop)
    finally:
        stop.set()
        released.set()
