"""Signs checkpoints of the log and carries them outside: table → file → topic (docs/adr/0010).

The table is written in the signing transaction; file and topic are brought up to it afterwards, as
often as it takes, so a crash between them only delays. Nothing is signed over a log that does not
continue what was signed and exported before.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from functools import partial
from typing import Any

import psycopg
from kafka.errors import KafkaError
from psycopg_pool import ConnectionPool

from events.envelope import genesis
from events.errors import NoCultureError
from events.log.kafka_checkpoints import CheckpointTopic
from events.store.checkpoints import (
    BadCheckpoint,
    Checkpoint,
    CheckpointFile,
    CheckpointTable,
    signed,
)
from events.store.log_keys import KnownKeys, Signing
from events.store.merkle import root
from events.store.tree import BrokenChain, StoredTree, follow
from events.times import from_micros
from schemas.telling import safely

log = logging.getLogger(__name__)
Connection = psycopg.Connection[Any]
LOCK_KEY = (7521984, 2)
LOOK_S = 1.0
PAUSE_S = 15.0


class CheckpointRefused(NoCultureError):
    """The log is not a continuation of what was signed: it was cut, rewritten or restored."""

    status, code = 409, "checkpoint-refused"

    def __init__(self, why: str) -> None:
        super().__init__(
            f"No checkpoint is signed: {why}. Run `log verify`; after a restore, `log recover`"
        )


class Checkpointer:
    """`pool` is the app role's. A checkpoint is due `every_events`, or `after_s` behind the oldest
    event that no checkpoint covers. `refused` says in words why none is signed any more.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        file: CheckpointFile,
        signing: Signing,
        topic: CheckpointTopic | None = None,
        *,
        every_events: int = 1_000,
        after_s: float = 60.0,
    ) -> None:
        self._pool, self._file, self._signing, self._topic = pool, file, signing, topic
        self._every_events, self._after_s = every_events, after_s
        self._waiting_since: float | None = None
        self._published: tuple[int, int] | None = None
        self._exported_all = False
        self.refused: str | None = None

    def run(self, stop: threading.Event) -> None:
        """Until `stop`. What is refused or cannot be reached is said and tried again."""
        while not stop.is_set():
            pause_s = LOOK_S
            try:
                self.look()
                self.refused = None
            except (CheckpointRefused, BadCheckpoint) as error:
                if self.refused is None:
                    log.error("%s", error)
                self.refused, pause_s = str(error), PAUSE_S
            except (KafkaError, psycopg.Error, OSError) as error:
                log.warning("checkpoints wait: %s: %s", type(error).__name__, error)
                self._published, pause_s = None, PAUSE_S
            except Exception as error:
                # A fault of ours: the log goes on meanwhile.
                if self.refused is None:
                    log.exception("no checkpoint is signed")
                self.refused = f"checkpoints: {safely(error)}"
                self._published, pause_s = None, PAUSE_S
            stop.wait(pause_s)

    def look(self) -> None:
        """Sign if one is due; then let file and topic have what the table has."""
        with self._pool.connection() as connection:
            row = connection.execute("SELECT coalesce(max(position), 0) FROM events").fetchone()
            last = self._last(connection)
        head, covered = row[0] if row else 0, last.size if last else 0
        if head == covered:
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = time.monotonic()
        waited = self._waiting_since is not None and (
            time.monotonic() - self._waiting_since >= self._after_s
        )
        # A log that became shorter is looked at too: signing is what refuses it.
        if head < covered or head - covered >= self._every_events or waited:
            self.sign()
            self._waiting_since = None
        self.export()

    def sign(self, *, owner: Connection | None = None) -> Checkpoint | None:
        """A checkpoint of the log as it is now, or the last one if nothing is new; None for an
        empty log. Raises CheckpointRefused.

        With `owner` (`log recover` only) a log that left the signed history begins a branch: the
        checkpoint of the new epoch says so for all who compare.
        """
        if owner is not None:
            with owner.transaction():
                checkpoint = self._sign_in(owner, may_branch=True)
        else:
            with self._pool.connection() as connection, connection.transaction():
                checkpoint = self._sign_in(connection, may_branch=False)
        self._exported_all = False
        return checkpoint

    def export(self) -> None:
        """Bring file and topic up to the table; harmless to repeat."""
        with self._pool.connection() as connection:
            table = CheckpointTable(connection)
            exported = self._file.read()
            newest = table.last()
            if newest and not (self._exported_all and exported and exported[-1].key >= newest.key):
                self._file.append(table.after())
                self._exported_all = True
        if self._topic is None:
            return
        if self._published is None:
            last = self._topic.last(partial(_is_of, self._signing.now()[1]))
            self._published = Checkpoint.from_json(last).key if last else (0, 0)
        behind = [c for c in self._file.read() if c.key > self._published]
        if behind:
            self._topic.publish([checkpoint.to_json() for checkpoint in behind])
            self._published = behind[-1].key

    def _last(self, connection: Connection) -> Checkpoint | None:
        """The newest that was ever signed: a restored database does not know it, the file does."""
        known = [*self._file.read()[-1:], CheckpointTable(connection).last()]
        newest = max((c for c in known if c), key=lambda c: c.key, default=None)
        if newest:
            self._signing.now()[1].check([newest], "the newest checkpoint")
        return newest

    def _sign_in(self, connection: Connection, *, may_branch: bool) -> Checkpoint | None:
        connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", LOCK_KEY)
        row = connection.execute(
            "SELECT log_id, epoch, (SELECT coalesce(max(position), 0) FROM events)"
            " FROM log_identity"
        ).fetchone()
        assert row is not None
        log_id, epoch, head = row
        last, tree = self._last(connection), StoredTree(connection)
        if last and (why := _left(connection, tree, last, log_id, epoch, head)):
            if not (may_branch and epoch > last.epoch):
                raise CheckpointRefused(why)
            log.warning("a branch of the log begins in epoch %d: %s", epoch, why)
            # Made anew below: what is stored may be of the branch that was given up.
            connection.execute("DELETE FROM log_tree")
            last, tree = None, StoredTree(connection)
        if head == 0 or (last and last.key == (epoch, head)):
            return last
        # Under the lock: a key that was exchanged is not used again.
        signer, _ = self._signing.now()
        checkpoint = signed(_made(connection, tree, last, log_id, epoch, head), signer)
        CheckpointTable(connection).add(checkpoint)
        return checkpoint


def _is_of(keys: KnownKeys, value: bytes) -> bool:
    """Whether a record of the topic is a checkpoint that this installation has signed."""
    try:
        keys.check([Checkpoint.from_json(json.loads(value))], "the topic of checkpoints")
    except (BadCheckpoint, KeyError, TypeError, ValueError):
        return False
    return True


def _made(
    connection: Connection,
    tree: StoredTree,
    last: Checkpoint | None,
    log_id: str,
    epoch: int,
    head: int,
) -> Checkpoint:
    """Over all events up to `head`, which must follow from what `last` was signed over."""
    start, hash = (last.size, last.hash) if last else (0, genesis(log_id))
    try:
        hash, recorded_at = follow(connection, hash, start, head)
    except BrokenChain as error:
        raise CheckpointRefused(str(error)) from error
    tree.store_complete(head)
    return Checkpoint(
        log_id=log_id,
        epoch=epoch,
        size=head,
        root=root(tree, head),
        hash=hash,
        # Nothing follows when only the epoch is new.
        recorded_at=last.recorded_at if last and head == start else from_micros(recorded_at),
    )


def _left(
    connection: Connection,
    tree: StoredTree,
    last: Checkpoint,
    log_id: str,
    epoch: int,
    head: int,
) -> str | None:
    """Why this log is not one that begins with what `last` was signed over."""
    if last.log_id != log_id:
        return f"this is {log_id}, the last checkpoint is of {last.log_id}"
    if last.epoch > epoch:
        return f"this is epoch {epoch}, the last checkpoint is of epoch {last.epoch}"
    if last.size > head:
        return f"the log ends at {head}, a checkpoint of {last.size} was signed"
    row = connection.execute("SELECT hash FROM events WHERE position = %s", (last.size,)).fetchone()
    try:
        same = row is not None and row[0] == last.hash and root(tree, last.size) == last.root
    except LookupError as error:
        return str(error)
    return None if same else f"the checkpoint of {last.size} was signed over other events"
