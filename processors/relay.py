"""Store to Kafka: one relay at a time, every event exactly once, in order per stream, for ever
(DESIGN §5).

The session lock keeps a second relay waiting; fencing by transactional id keeps a first one that
lost its lock from committing; the last records on Kafka, not memory, say where to go on.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from kafka.errors import KafkaConfigurationError, KafkaError
from psycopg_pool import ConnectionPool

from events.envelope import Envelope
from events.log.errors import LogHole
from events.log.kafka_config import KafkaConfig
from events.log.tail import CHANNEL, POLL_S
from events.model import REGISTRY
from events.store.postgres import PostgresEvents
from processors.publisher import Progress, Publisher, advanced
from processors.relay_check import check

log = logging.getLogger(__name__)
Connection = psycopg.Connection[Any]
LOCK_KEY = (7521984, 1)
BATCH = 2_000
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0
LOCK_RETRY_S = 0.5
EPOCH_PAUSE_S = 2.0
STREAMS_REMEMBERED = 100_000


class EpochChanged(Exception):
    """`log recover` was here: make everything anew."""


class Relay:
    """`url` is a direct DSN of the app role (session lock, LISTEN); `pool` is what the store is
    read with.
    """

    def __init__(self, url: str, pool: ConnectionPool, config: KafkaConfig) -> None:
        self._url, self._config = url, config
        self._store = PostgresEvents(pool)

    def run(self, stop: threading.Event) -> None:
        """Until `stop`. Raises LogAhead, LogDiffers, LogHole, WrongPartitions: those need a
        person.
        """
        pause_s = FIRST_PAUSE_S
        while not stop.is_set():
            try:
                with self._owned(stop) as connection:
                    if connection is None:
                        return
                    with RelaySession(connection, self._store, self._config) as session:
                        session.check()
                        pause_s = FIRST_PAUSE_S
                        while not stop.is_set():
                            if not session.publish_next():
                                session.sleep()
            except EpochChanged:
                log.warning("the log has a new epoch, the relay begins anew")
                # Who raised it wants the lock now.
                stop.wait(EPOCH_PAUSE_S)
            except KafkaConfigurationError:
                raise
            except (KafkaError, psycopg.OperationalError, psycopg.InterfaceError) as error:
                log.warning("the relay begins anew: %s: %s", type(error).__name__, error)
                stop.wait(pause_s)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    @contextmanager
    def _owned(self, stop: threading.Event) -> Iterator[Connection | None]:
        """The connection that holds the lock; None when `stop` came first."""
        # Kafka is what remembers: what a crash takes from Postgres, the next check puts back.
        options = "-c synchronous_commit=off"
        with psycopg.connect(self._url, autocommit=True, options=options) as connection:
            while not take_relay_lock(connection):
                if stop.wait(LOCK_RETRY_S):
                    yield None
                    return
            yield connection


def take_relay_lock(connection: Connection) -> bool:
    """Only its holder writes to the topics; it lasts as long as the connection."""
    row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", LOCK_KEY).fetchone()
    return bool(row and row[0])


class RelaySession:
    """One ownership: a fresh publisher, the check, then batch by batch. Every batch is written on
    the connection that holds the lock, so a lost lock ends the session.
    """

    def __init__(self, connection: Connection, store: PostgresEvents, config: KafkaConfig) -> None:
        self._connection, self._store, self._config = connection, store, config
        connection.execute(f"LISTEN {CHANNEL}")
        self._identity = store.log_identity()
        self._publisher = Publisher(config, *self._identity)
        self._streams: OrderedDict[str, int] = OrderedDict()
        self.progress = Progress()

    def __enter__(self) -> RelaySession:
        return self

    def __exit__(self, *exception: object) -> None:
        self._publisher.close()

    def check(self) -> None:
        """Compare the topics with the store, publish again what they lost, and go on from there."""
        self._publisher.ensure_topics(set(REGISTRY.categories()))
        self.progress = check(self._store, self._config, self._publisher, BATCH)
        self._save(self.progress, everything=True)

    def publish_next(self) -> int:
        """The next events of the log, at most BATCH; how many there were."""
        events = self._store.after(self.progress.position, BATCH)
        if not events:
            return 0
        self._refuse_holes(events)
        progress = advanced(self.progress, events)
        self._publisher.publish(events, progress)
        self._save(progress)
        self.progress = progress
        return len(events)

    def sleep(self) -> None:
        """Until the store says that it is longer, or a poll's time; also tells whether the lock is
        still ours.
        """
        self._same_epoch()
        list(self._connection.notifies(timeout=POLL_S, stop_after=1))

    def _refuse_holes(self, events: Sequence[Envelope]) -> None:
        expected = self.progress.position + 1
        for event in events:
            if event.position != expected:
                raise LogHole("position", expected, event.position)
            expected += 1
            known = self._streams.pop(event.stream_id, event.stream_version - 1)
            if event.stream_version != known + 1:
                raise LogHole(f"version of {event.stream_id}", known + 1, event.stream_version)
            self._streams[event.stream_id] = event.stream_version
        while len(self._streams) > STREAMS_REMEMBERED:
            self._streams.popitem(last=False)

    def _save(self, progress: Progress, *, everything: bool = False) -> None:
        """R and the heads, for whoever waits; Kafka already has them."""
        changed = {
            partition: position
            for partition, position in progress.heads.items()
            if everything or self.progress.heads.get(partition) != position
        }
        with self._connection.transaction():
            self._same_epoch()
            self._connection.execute(
                "INSERT INTO relay_heads SELECT * FROM unnest(%s::text[], %s::int[], %s::bigint[])"
                " ON CONFLICT (topic, partition)"
                " DO UPDATE SET last_position = EXCLUDED.last_position",
                (
                    [partition.topic for partition in changed],
                    [partition.number for partition in changed],
                    list(changed.values()),
                ),
            )
            self._connection.execute(
                "UPDATE relay_progress SET position = %s", (progress.position,)
            )

    def _same_epoch(self) -> None:
        row = self._connection.execute("SELECT log_id, epoch FROM log_identity").fetchone()
        if row != self._identity:
            raise EpochChanged
