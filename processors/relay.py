"""Store to Kafka: one relay at a time, every event exactly once, in order per stream, for ever
(DESIGN §5, docs/adr/0011).

The session lock keeps a second relay waiting; fencing by transactional id keeps a first one that
lost its lock from committing; the last records on Kafka, not memory, say where to go on.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from kafka.errors import KafkaConfigurationError, KafkaError
from psycopg_pool import ConnectionPool

from events.errors import NoCultureError
from events.log.kafka_config import KafkaConfig
from events.log.proving import RecordProofs
from processors.relay_session import EpochChanged, RelaySession

log = logging.getLogger(__name__)
Connection = psycopg.Connection[Any]
LOCK_KEY = (7521984, 1)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0
LOCK_RETRY_S = 0.5
EPOCH_PAUSE_S = 2.0
# Only somebody's repair helps after a refusal; the relay looks for it at this pace.
REFUSED_PAUSE_S = 15.0
# A host that vanished gives its lock up after 11 s instead of two hours, and a relay whose
# database vanished notices as soon.
SESSION = (
    "-c synchronous_commit=off -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2"
    " -c tcp_keepalives_count=3"
)
CONNECTION: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}


class Relay:
    """`url` is a direct DSN of the app role (session lock, LISTEN); `pool` is what the store is
    read with. `refused` says why nothing is published until somebody mends it, else None.
    """

    def __init__(
        self, url: str, pool: ConnectionPool, config: KafkaConfig, proofs: RecordProofs
    ) -> None:
        self._url, self._pool, self._config, self._proofs = url, pool, config, proofs
        self.refused: str | None = None
        self._pause_s = FIRST_PAUSE_S

    def run(self, stop: threading.Event) -> None:
        """Until `stop`. What needs a person (LogAhead, LogDiffers, LogHole, WrongPartitions) is
        said loudly and looked at again; everything else it gets over by itself.
        """
        while not stop.is_set():
            try:
                with self._owned(stop) as connection:
                    if connection is not None:
                        self._publish(connection, stop)
            except EpochChanged:
                log.warning("the log has a new epoch, the relay begins anew")
                # The process that raised the epoch wants the lock now.
                stop.wait(EPOCH_PAUSE_S)
            except KafkaConfigurationError:
                raise
            except NoCultureError as error:
                self._refuse(error)
                stop.wait(REFUSED_PAUSE_S)
            except (KafkaError, psycopg.OperationalError, psycopg.InterfaceError) as error:
                log.warning("the relay begins anew: %s: %s", type(error).__name__, error)
                stop.wait(self._pause_s)
                self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)

    def _publish(self, connection: Connection, stop: threading.Event) -> None:
        """As the owner of the lock."""
        with RelaySession(connection, self._pool, self._config, self._proofs) as session:
            session.check()
            published = session.publish_next()
            self._accept(connection)
            while not stop.is_set():
                if published or session.sleep():
                    published = session.publish_next()

    def _refuse(self, error: NoCultureError) -> None:
        reason = f"{error.code}: {error}"
        if reason != self.refused:
            log.error("the relay publishes nothing: %s", reason)
        # Readiness is asked of the API, which may run elsewhere.
        with suppress(psycopg.Error), psycopg.connect(self._url, **CONNECTION) as connection:
            connection.execute("UPDATE relay_progress SET refused = %s", (reason,))
        self.refused = reason

    def _accept(self, connection: Connection) -> None:
        """Clears the refusal, also of an earlier relay: publishing works again."""
        connection.execute("UPDATE relay_progress SET refused = NULL WHERE refused IS NOT NULL")
        self.refused, self._pause_s = None, FIRST_PAUSE_S

    @contextmanager
    def _owned(self, stop: threading.Event) -> Iterator[Connection | None]:
        """The connection that holds the lock; None when `stop` came first."""
        # Without synchronous commit: Kafka is what remembers, and what a crash takes from Postgres
        # the next check puts back.
        with psycopg.connect(
            self._url, autocommit=True, options=SESSION, **CONNECTION
        ) as connection:
            while not take_relay_lock(connection):
                if stop.wait(LOCK_RETRY_S):
                    yield None
                    return
            yield connection


def take_relay_lock(connection: Connection) -> bool:
    """Only its holder writes to the topics; it lasts as long as the connection."""
    row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", LOCK_KEY).fetchone()
    return bool(row and row[0])
