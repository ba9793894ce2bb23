"""After a restore Kafka may hold what the store does not: a new epoch, new topics, consumers held
to the store.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from kafka.errors import KafkaError
from psycopg_pool import ConnectionPool

from events.errors import NoCultureError
from events.log.kafka_config import KafkaConfig
from events.log.kafka_topics import KafkaTopics
from events.log.proving import RecordProofs
from processors.consumers.consumer import Consumer
from processors.rebuild import Rebuilder, Rebuilt
from processors.relay import take_relay_lock
from processors.relay_session import RelaySession

log = logging.getLogger(__name__)
Connection = psycopg.Connection[Any]
LOCK_PATIENCE_S = 60.0
NEW_TOPICS_PATIENCE_S = 60.0


class RelayRunning(NoCultureError):
    status, code = 409, "relay-running"

    def __init__(self) -> None:
        super().__init__("A relay does not give the log up: stop it, then recover again")


@dataclass(frozen=True, slots=True)
class Recovered:
    """`events` were published into new topics; `rebuilt` are the read models that knew more than
    the store.
    """

    epoch: int
    events: int
    rebuilt: list[Rebuilt]


def recover(
    owner_url: str,
    pool: ConnectionPool,
    config: KafkaConfig | None,
    proofs: RecordProofs,
    rebuilder: Rebuilder,
    projections: Sequence[Consumer],
) -> Recovered:
    """Also the way to another number of partitions. Only the owner may raise the epoch; without
    Kafka (`config` None) only the consumers are held to the store. Safe to repeat after a crash.
    """
    with psycopg.connect(owner_url, autocommit=True) as owner:
        epoch = _raise_epoch(owner)
        _wait_for_lock(owner)
        ahead = _hold_to_store(owner)
        events = _refill(owner, pool, config, proofs) if config else 0
        # A worker that was still reading the old topics may have moved meanwhile.
        ahead |= _hold_to_store(owner)
    rebuilt = [
        rebuilder.rebuild(consumer, keep=False)
        for consumer in projections
        if consumer.name in ahead
    ]
    return Recovered(epoch, events, rebuilt)


def _raise_epoch(owner: Connection) -> int:
    """From now on a running relay gives up its lock and workers read again from their
    checkpoints.
    """
    row = owner.execute("UPDATE log_identity SET epoch = epoch + 1 RETURNING epoch").fetchone()
    assert row is not None
    return int(row[0])


def _wait_for_lock(owner: Connection) -> None:
    deadline = time.monotonic() + LOCK_PATIENCE_S
    while not take_relay_lock(owner):
        if time.monotonic() > deadline:
            raise RelayRunning
        time.sleep(0.05)


def _hold_to_store(owner: Connection) -> set[str]:
    """No checkpoint, letter or parked stream beyond the head; answers whose checkpoints were."""
    with owner.transaction():
        row = owner.execute("SELECT coalesce(max(position), 0) FROM events").fetchone()
        head = row[0] if row else 0
        ahead = owner.execute(
            "UPDATE checkpoints SET position = %s WHERE position > %s RETURNING consumer",
            (head, head),
        ).fetchall()
        owner.execute('UPDATE checkpoints SET "offset" = NULL, topic_id = NULL')
        owner.execute("DELETE FROM dead_letters WHERE position > %s", (head,))
        owner.execute("DELETE FROM parked_streams WHERE position > %s", (head,))
    return {name for (name,) in ahead}


def _refill(
    owner: Connection, pool: ConnectionPool, config: KafkaConfig, proofs: RecordProofs
) -> int:
    with owner.transaction():
        owner.execute("DELETE FROM relay_heads")
        owner.execute("UPDATE relay_progress SET position = 0")
    KafkaTopics(config).delete_all()
    with owner.transaction():
        # All that comes into the new topics is proven, and what was put aside is gone.
        owner.execute("UPDATE relay_progress SET unproven_up_to = 0")
        owner.execute("DELETE FROM records_aside")
    deadline = time.monotonic() + NEW_TOPICS_PATIENCE_S
    while True:
        try:
            return _publish_all(owner, pool, config, proofs)
        except KafkaError as error:
            # A broker may not know yet that it leads what was made a moment ago. The next session
            # goes on behind what this one has committed.
            if not error.retriable or time.monotonic() > deadline:
                raise
            log.info("refilling again: %s", error)
            time.sleep(0.5)


def _publish_all(
    owner: Connection, pool: ConnectionPool, config: KafkaConfig, proofs: RecordProofs
) -> int:
    with RelaySession(owner, pool, config, proofs) as session:
        session.check()
        while session.publish_next():
            log.info("refilled up to position %d", session.progress.position)
        return session.progress.position
