"""A reader that stands still inside its library ends the process: no thread can be ended."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest
from psycopg_pool import ConnectionPool

from events.log.port import LoadVector, LogItem, LogPartition, LogReader
from events.log.postgres import StoreLog
from processors.consumers import engine, feed
from processors.consumers.projection import ProjectionConsumer
from processors.rebuild import Rebuilder
from tests.integration.consumers.support import Shelf, Writer, codec_of


class StandsStill:
    """The store's log, whose readers answer so many polls and then no more, as kafka-python's did;
    with none the first reader is never there.
    """

    def __init__(self, store_log: StoreLog, released: threading.Event, polls: int) -> None:
        self._store_log, self._released, self._polls = store_log, released, polls

    def partitions(self, categories: Sequence[str]) -> list[LogPartition]:
        return self._store_log.partitions(categories)

    def reader(self, consumer: str, categories: Sequence[str], load: LoadVector) -> LogReader:
        if not self._polls:
            self._released.wait(60)
        reader = self._store_log.reader(consumer, categories, load)
        answer, answered = reader.poll, []

        def poll(limit: int, timeout_s: float) -> Sequence[LogItem]:
            if len(answered) == self._polls:
                self._released.wait(60)
            answered.append(True)
            return answer(limit, timeout_s)

        reader.poll = poll
        return reader


@pytest.mark.parametrize("polls", [1, 0], ids=["in a poll", "while it is made"])
def test_a_reader_that_never_answers_ends_the_engine(
    pool: ConnectionPool,
    store_log: StoreLog,
    writer: Writer,
    monkeypatch: pytest.MonkeyPatch,
    polls: int,
):
    """Regression: after a restart of everything one consumer of ten joined its group, stood still
    and was "starting" for ever. In round 53 of a torture a worker waited three minutes for a reader
    to be made.
    """
    monkeypatch.setattr(feed, "POLL_HANGS_AFTER_S", 0.3)
    monkeypatch.setattr(feed, "OPENING_HANGS_AFTER_S", 0.3)
    monkeypatch.setattr(engine, "EPOCH_CHECK_S", 0.05)
    writer.upload()
    released, stop = threading.Event(), threading.Event()
    codec = codec_of(pool)
    consuming = engine.Engine(
        [ProjectionConsumer(Shelf())],
        StandsStill(store_log, released, polls),
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
