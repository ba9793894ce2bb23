"""The library's own test cases on our recorder; versions start at 1 here, at 0 there."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar
from uuid import uuid4

import pytest
from eventsourcing.persistence import StoredEvent
from eventsourcing.tests.persistence import ApplicationRecorderTestCase
from psycopg_pool import ConnectionPool

from events.store.log import PostgresLog
from events.store.recorder import LogRecorder


class _OnOurLog:
    """Gives each unittest case of the library the log of a pytest fixture."""

    INITIAL_VERSION: ClassVar[int] = 1
    log: PostgresLog

    @pytest.fixture(autouse=True)
    def _given_log(self, log: PostgresLog, pool: ConnectionPool) -> None:
        self.log = log

    def create_recorder(self) -> LogRecorder:
        return LogRecorder(self.log)

    def new_originator_id(self) -> str:
        return str(uuid4())


class TestApplicationRecorder(_OnOurLog, ApplicationRecorderTestCase[LogRecorder]):
    # The library's two concurrent cases write from version 0: restated from version 1.
    def test_concurrent_no_conflicts(self) -> None:
        recorder = self.create_recorder()
        done = threading.Event()
        seen: list[int] = []

        def read() -> None:
            while True:
                # Asked before the read: an empty page read earlier says nothing of the end.
                at_the_end, last = done.is_set(), seen[-1] if seen else 0
                page = recorder.select_notifications(last, 500, inclusive_of_start=False)
                seen.extend(notification.id for notification in page)
                if not page and at_the_end:
                    return

        with ThreadPoolExecutor(11) as threads:
            reader = threads.submit(read)
            writes = [threads.submit(self._insert, recorder, 100) for _ in range(100)]
            for write in writes:
                write.result()
            done.set()
            reader.result()
        assert seen == list(range(1, 10_001))

    def test_concurrent_throughput(self) -> None:
        recorder = self.create_recorder()
        with ThreadPoolExecutor(4) as threads:
            answers = list(threads.map(lambda _: self._insert(recorder, 50), range(100)))
        stored = recorder.select_notifications(1, 10_000)
        assert recorder.max_notification_id() == len(stored) == 5_000
        for answer in answers:
            # No other writer's event lies between those of one insert.
            of_one_stream = stored[answer[0] - 1 : answer[-1]]
            assert len({each.originator_id for each in of_one_stream}) == 1
            assert [each.originator_version for each in of_one_stream] == list(range(1, 51))

    def _insert(self, recorder: LogRecorder, count: int) -> list[int]:
        stream = self.new_originator_id()
        events = [
            StoredEvent(stream, version, "topic", b"state") for version in range(1, count + 1)
        ]
        return list(recorder.insert_events(events) or ())
