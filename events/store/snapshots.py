"""Snapshots of aggregates' states: a load of a long stream reads only the tail behind one.

A snapshot is never the truth. It is used only if our own key signed it, for the same shape of
state, and while the event it stands on is still the one in the log; otherwise it is as if there
were none, and the next one replaces it.
"""

from __future__ import annotations

import hashlib
import hmac
import inspect
import json
import logging
import os
import typing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import psycopg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from eventsourcing.persistence import AggregateRecorder, EventStore, Mapper, StoredEvent
from psycopg_pool import ConnectionPool
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from events.store.subject_keys import SubjectKeys

log = logging.getLogger(__name__)
EVERY_VERSIONS = 100

# The join proves the snapshot: another history of the stream (a restore) has another hash.
_SELECT = """
SELECT s.stream_version, s.position, s.subject, s.state, s.mac
FROM snapshots s JOIN events e ON e.stream_id = s.stream_id
    AND e.stream_version = s.stream_version AND e.hash = s.hash
WHERE s.stream_id = %(stream_id)s AND s.module = %(module)s AND s.shape = %(shape)s
    AND (%(gt)s::bigint IS NULL OR s.stream_version > %(gt)s)
    AND (%(lte)s::bigint IS NULL OR s.stream_version <= %(lte)s)
"""
# Position, hash and workspace are the event's own; without that event nothing is written.
_REPLACE = """
INSERT INTO snapshots AS known (stream_id, module, shape, stream_version, position, hash, tenant,
    subject, state, mac)
SELECT e.stream_id, %(module)s, %(shape)s, e.stream_version, e.position, e.hash, e.tenant,
    %(subject)s, %(state)s, %(mac)s
FROM events e WHERE e.stream_id = %(stream_id)s AND e.stream_version = %(version)s
ON CONFLICT (stream_id, module) DO UPDATE SET shape = excluded.shape,
    stream_version = excluded.stream_version, position = excluded.position, hash = excluded.hash,
    tenant = excluded.tenant, subject = excluded.subject, state = excluded.state,
    mac = excluded.mac
WHERE known.shape <> excluded.shape OR known.stream_version <= excluded.stream_version
    OR NOT EXISTS (SELECT FROM events e WHERE e.stream_id = known.stream_id
                   AND e.stream_version = known.stream_version AND e.hash = known.hash)
"""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state that `evolve` made of the first `originator_version` events of a stream.

    `subjects` are the people whose personal values the state may hold.
    """

    originator_id: str
    originator_version: int
    state: Any
    position: int = 0
    subjects: frozenset[str] = frozenset()


@dataclass(frozen=True)
class StoredSnapshot(StoredEvent):
    """The library's stored event with the columns of our table; `state` is JSON or ciphertext."""

    subject: str | None
    mac: bytes
    position: int = 0


class SnapshotRecorder(AggregateRecorder):
    """One row per stream for one aggregate module and one shape of its state."""

    def __init__(self, pool: ConnectionPool, module: str, shape: str) -> None:
        self._pool, self._module, self._shape = pool, module, shape

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Replaces what is older, of another shape or of another history; has no positions."""
        with self._pool.connection() as connection, connection.transaction():
            # Not worth an fsync: a lost snapshot is made again.
            connection.execute("SET LOCAL synchronous_commit = off")
            for stored in stored_events:
                assert isinstance(stored, StoredSnapshot)
                connection.execute(
                    _REPLACE,
                    {
                        "stream_id": stored.originator_id,
                        "version": stored.originator_version,
                        "module": self._module,
                        "shape": self._shape,
                        "subject": stored.subject,
                        "state": stored.state,
                        "mac": stored.mac,
                    },
                )
        return None

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        values = {"stream_id": str(originator_id), "module": self._module, "shape": self._shape}
        with self._pool.connection() as connection:
            cursor = connection.cursor(binary=True)
            rows = cursor.execute(_SELECT, {**values, "gt": gt, "lte": lte}).fetchall()
        return [
            StoredSnapshot(originator_id, version, self._module, state, subject, mac, position)
            for version, position, subject, state, mac in rows
        ]


class SnapshotMapper(Mapper[str]):
    """State as the JSON of its annotated type: no pickle, no Python path is imported.

    A state that may hold personal values is encrypted under their subject's key, so destroying
    the key makes it unreadable wherever a copy lies.
    """

    def __init__(
        self, module: str, shape: str, state: TypeAdapter[Any], keys: SubjectKeys, key: bytes
    ) -> None:
        self._module, self._shape, self._state = module, shape, state
        self._keys, self._key = keys, key

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        """Raises NotKept for a state that must not or cannot be kept."""
        snapshot: Snapshot = domain_event
        if len(snapshot.subjects) > 1:
            raise NotKept("it holds personal values of several people")
        try:
            state = self._state.dump_json(snapshot.state)
        except PydanticSerializationError as error:
            raise NotKept(f"it is no JSON: {error}") from error
        subject = next(iter(snapshot.subjects), None)
        if subject is not None:
            # Never `obtain`: it would make a new key for somebody who was erased.
            key = self._keys.find(subject)
            if key is None:
                raise NotKept("its subject was erased")
            nonce = os.urandom(12)
            state = nonce + AESGCM(key).encrypt(nonce, state, self._aad(snapshot, subject))
        return StoredSnapshot(
            snapshot.originator_id,
            snapshot.originator_version,
            self._module,
            state,
            subject,
            self._mac(snapshot.originator_id, snapshot.originator_version, subject, state),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """None for one that cannot be trusted or read: then the events are."""
        assert isinstance(stored_event, StoredSnapshot)
        stream, version = str(stored_event.originator_id), stored_event.originator_version
        state, subject = stored_event.state, stored_event.subject
        if not hmac.compare_digest(stored_event.mac, self._mac(stream, version, subject, state)):
            log.warning("the snapshot of %s was changed: ignored", stream)
            return None
        unread = Snapshot(
            stream,
            version,
            None,
            stored_event.position,
            frozenset() if subject is None else frozenset({subject}),
        )
        try:
            plain = state if subject is None else self._open(unread, subject, state)
            if plain is None:
                return None
            return replace(unread, state=self._state.validate_json(plain))
        except (ValidationError, InvalidTag) as error:
            log.warning("the snapshot of %s is unreadable, ignored: %s", stream, type(error))
            return None

    def _open(self, snapshot: Snapshot, subject: str, sealed: bytes) -> bytes | None:
        key = self._keys.find(subject)
        if key is None:
            return None
        return AESGCM(key).decrypt(sealed[:12], sealed[12:], self._aad(snapshot, subject))

    def _aad(self, snapshot: Snapshot, subject: str) -> bytes:
        parts = (subject, snapshot.originator_id, snapshot.originator_version, "snapshot")
        return "\x1f".join(map(str, parts)).encode()

    def _mac(self, stream: str, version: int, subject: str | None, state: bytes) -> bytes:
        names = [self._module, self._shape, stream, version, subject]
        digest = hashlib.sha256(state).digest()
        return hmac.new(self._key, json.dumps(names).encode() + digest, hashlib.sha256).digest()


class SnapshotStore(EventStore[str]):
    """The library's store of snapshots, without those that cannot be trusted."""

    def get(
        self,
        originator_id: str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Iterator[Any]:
        found = super().get(originator_id, gt=gt, lte=lte, desc=desc, limit=limit)
        return (snapshot for snapshot in found if snapshot is not None)

    def keep(self, snapshot: Snapshot) -> bool:
        """Best effort, outside any append; whether it was written. Never raises for the store."""
        try:
            self.put([typing.cast(Any, snapshot)])
        except NotKept as reason:
            log.debug("no snapshot of %s: %s", snapshot.originator_id, reason)
            return False
        except psycopg.Error as error:
            log.warning("could not keep a snapshot of %s: %s", snapshot.originator_id, error)
            return False
        return True


class NotKept(Exception):
    """Why there is no snapshot of this state; loads go on without one."""


def snapshot_store(
    name: str, evolve: Callable[..., Any], pool: ConnectionPool, keys: SubjectKeys, key: bytes
) -> SnapshotStore | None:
    """Keeps what `evolve` makes under `name`; None if its return type is not annotated."""
    state = typing.get_type_hints(evolve).get("return")
    if state is None:
        return None
    adapter: TypeAdapter[Any] = TypeAdapter(state)
    shape = shape_of(adapter, evolve)
    return SnapshotStore(
        SnapshotMapper(name, shape, adapter, keys, key),
        SnapshotRecorder(pool, name, shape),
    )


def shape_of(state: TypeAdapter[Any], evolve: Callable[..., Any]) -> str:
    """Changes with the state's fields and with the rules beside it.

    A mended `evolve` makes other states of the same fields, so its module's text counts as well.
    """
    described = json.dumps(state.json_schema(), sort_keys=True)
    rules = inspect.getsource(inspect.getmodule(evolve) or evolve)
    return hashlib.sha256(f"{described}\n{rules}".encode()).hexdigest()[:32]
