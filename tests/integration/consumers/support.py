"""A log to consume: real events, appended for real, and a read model that folds two categories."""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal

import psycopg
from psycopg_pool import ConnectionPool

from events.envelope import Recorded
from events.ids import (
    AccountId,
    AnalysisId,
    AssetId,
    CommandId,
    CorrelationId,
    EventId,
    WorkspaceId,
)
from events.log.port import EventLog
from events.log.progress import LogProgress
from events.log.proving import RecordProofs
from events.model import Event
from events.store.codec import EventCodec
from events.store.pending import Append, Committed, PendingEvent
from events.store.postgres import append_in
from events.store.subject_keys import PostgresSubjectKeys
from events.times import utc_now
from events.vault.analysis import AnalysisRequested
from events.vault.asset import AssetDeleted, AssetUploaded
from processors.consumers.consumer import Consumer
from processors.consumers.engine import Engine
from processors.consumers.views import key_columns
from processors.rebuild import Rebuilder
from projections.projection import Holds, Projection, Rows

WORKSPACE, ACCOUNT = WorkspaceId.new(), AccountId.new()
SHA = "a" * 64


class Shelf(
    Projection, name="shelf", version=1, categories=("analysis", "asset"), holds=Holds.UNTIL_DELETED
):
    """One row per asset, from the streams of the asset and of its analysis."""

    indigestible = "poison.wav"

    def fold(self, rows: Rows, event: Recorded) -> None:
        match event.data:
            case AssetUploaded() as data:
                if data.filename == self.indigestible:
                    raise ValueError(f"cannot digest {data.filename}")
                rows.upsert(
                    data.asset_id,
                    filename=data.filename,
                    size_bytes=data.size_bytes,
                    uploaded_at=event.recorded_at,
                )
            case AssetDeleted() as data:
                rows.upsert(data.asset_id, deleted=True)
            case AnalysisRequested() as data:
                rows.upsert(data.asset_id, attempts=data.attempt)


class Digests(
    Shelf, name="shelf", version=1, categories=("analysis", "asset"), holds=Holds.UNTIL_DELETED
):
    """The corrected program."""

    indigestible = None


class Counts(
    Projection,
    name="counts",
    version=1,
    categories=("analysis", "asset"),
    holds=Holds.UNTIL_DELETED,
):
    """All that merges: a row per workspace, one per recording in it, and one per upload of it."""

    def fold(self, rows: Rows, event: Recorded) -> None:
        match event.data:
            case AssetUploaded() as data:
                everything = data.workspace_id, "all"
                megabytes = Decimal(data.size_bytes).scaleb(-6)
                rows.add(everything, uploads=1, megabytes=megabytes)
                rows.max(everything, last_at=event.recorded_at, last_name=data.filename)
                rows.upsert((data.workspace_id, data.asset_id), filename=data.filename)
                rows.upsert((data.asset_id, event.envelope.event_id), filename=data.filename)
            case AssetDeleted() as data:
                rows.add((data.workspace_id, "all"), uploads=-1)
                rows.delete_prefix(data.asset_id)
            case AnalysisRequested() as data:
                rows.add((data.workspace_id, data.asset_id), attempts=1)
                rows.max((data.workspace_id, "all"), last_at=event.recorded_at, last_name=None)


# Composition takes every registered projection; these are only for tests.
del Projection.registered["shelf"], Projection.registered["counts"]


class Tally(Consumer):
    """Counts every event anew, so an event that is applied twice or never shows."""

    name, kind, categories, batch_size = "tally", "processor", ("analysis", "asset"), 50

    def __init__(self, *, money: bool = False, indigestible: str = "poison.wav") -> None:
        self.money, self._indigestible = money, indigestible

    def apply(self, connection: psycopg.Connection, events: Sequence[Recorded]) -> None:
        connection.cursor().executemany(
            "INSERT INTO tally (position) VALUES (%s)", [(event.position,) for event in events]
        )
        for event in events:
            if getattr(event.data, "filename", None) == self._indigestible:
                raise ValueError("cannot digest it")


def make_tally(pool: ConnectionPool) -> None:
    with pool.connection() as connection:
        connection.execute("CREATE TABLE tally (position bigint NOT NULL)")


def tallied(pool: ConnectionPool) -> list[int]:
    with pool.connection() as connection:
        rows = connection.execute("SELECT position FROM tally ORDER BY position").fetchall()
    return [position for (position,) in rows]


def codec_of(pool: ConnectionPool) -> EventCodec:
    return EventCodec(PostgresSubjectKeys(pool, b"m" * 32))


def proofs_of(pool: ConnectionPool, *keys: bytes) -> RecordProofs:
    """Under the key that all relays and readers of the tests have, if no others are named."""
    return RecordProofs(pool, lambda: keys or (b"p" * 32,))


@contextmanager
def pool_of(url: str, size: int = 12) -> Iterator[ConnectionPool]:
    with ConnectionPool(url, min_size=1, max_size=size, kwargs={"autocommit": True}) as pool:
        yield pool


class Writer:
    """Appends to streams and remembers their versions."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._versions: dict[str, int] = {}

    def upload(self, filename: str = "song.wav") -> tuple[AssetId, int]:
        """(the new asset, the position of its event)"""
        asset = AssetId.new()
        uploaded = AssetUploaded(
            asset_id=asset,
            workspace_id=WORKSPACE,
            uploaded_by=ACCOUNT,
            filename=filename,
            sha256=SHA,
            size_bytes=1,
        )
        return asset, self.append(asset, uploaded)

    def delete(self, asset: AssetId) -> int:
        deleted = AssetDeleted(
            asset_id=asset, workspace_id=WORKSPACE, deleted_by=ACCOUNT, sha256=SHA
        )
        return self.append(asset, deleted)

    def request_analysis(self, asset: AssetId, attempt: int = 1) -> int:
        requested = AnalysisRequested(
            analysis_id=AnalysisId.beside(asset),
            asset_id=asset,
            workspace_id=WORKSPACE,
            sha256=SHA,
            attempt=attempt,
        )
        return self.append(AnalysisId.beside(asset), requested)

    def lives(self, count: int, seed: int = 1) -> int:
        """`count` assets with a few events each, interleaved; answers the last position."""
        chance, known, position = random.Random(seed), [], 0
        while len(known) < count:
            match chance.randrange(4):
                case 0 | 1:
                    asset, position = self.upload(f"{len(known)} {chance.random()}.wav")
                    known.append((asset, 0))
                case 2 if known:
                    at = chance.randrange(len(known))
                    asset, attempt = known[at]
                    position = self.request_analysis(asset, attempt + 1)
                    known[at] = asset, attempt + 1
                case 3 if known:
                    position = self.delete(chance.choice(known)[0])
        return position

    def append(self, stream: str, *data: Event, type: str = "", version: int = 0) -> int:
        """The position of the last; `type` and `version` forge what another program would write."""
        at = self._versions.get(stream, 0)
        events = [_pending(stream, at + n, event, type, version) for n, event in enumerate(data, 1)]
        append = Append(
            command_id=CommandId.new(),
            input_hash=b"i",
            actor=ACCOUNT,
            tenant=WORKSPACE,
            correlation_id=CorrelationId.new(),
            causation_id=None,
            events=tuple(events),
        )
        with self._connection.transaction():
            verdict = append_in(self._connection, [append])[0]
        assert isinstance(verdict, Committed), verdict
        self._versions[stream] = at + len(data)
        self._connection.execute("NOTIFY noculture_log")
        return verdict.position

    def head(self) -> int:
        """The log's last position."""
        return self._connection.execute("SELECT max(position) FROM events").fetchone()[0]

    def close(self) -> None:
        self._connection.close()


def _pending(stream: str, number: int, data: Event, type: str, version: int) -> PendingEvent:
    return PendingEvent(
        event_id=EventId.new(),
        stream_id=stream,
        stream_version=number,
        category=data.category,
        type=type or data.type,
        version=version or data.version,
        effective_at=utc_now(),
        data=data.model_dump_json().encode(),
    )


@contextmanager
def running(
    consumers: Sequence[Consumer],
    event_log: EventLog,
    pool: ConnectionPool,
    rebuilder: Rebuilder,
) -> Iterator[Engine]:
    """An engine in a thread; its end is waited for."""
    stop = threading.Event()
    engine = Engine(consumers, event_log, pool, codec_of(pool), rebuilder)
    thread = threading.Thread(target=engine.run, args=(stop,))
    thread.start()
    try:
        yield engine
    finally:
        stop.set()
        thread.join(30)


def eventually(
    condition: Callable[[], object], within_s: float = 20.0, every_s: float = 0.01
) -> None:
    """Fails unless the condition becomes true in time."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(every_s)


def caught_up(progress: LogProgress, name: str, position: int, within_s: float = 20.0) -> None:
    """Fails unless the consumer is at `position` in time, however late it registers."""
    eventually(lambda: name in {consumer.name for consumer in progress.all()}, within_s)
    assert progress.wait_until(name, position, within_s)


def rows_of(pool: ConnectionPool, view: str = "shelf") -> list[tuple[object, ...]]:
    with pool.connection() as connection:
        return connection.execute(f"SELECT * FROM views.{view} ORDER BY 1").fetchall()


def expected_rows(pool: ConnectionPool) -> list[tuple[object, ...]]:
    """The shelf by another way: in SQL from the events."""
    with pool.connection() as connection:
        return connection.execute(
            "WITH e AS (SELECT *, convert_from(data, 'UTF8')::jsonb AS d FROM events)"
            " SELECT d->>'asset_id', max(d->>'filename') FILTER (WHERE type = 'asset.uploaded'),"
            " max((d->>'size_bytes')::bigint),"
            " min(recorded_at) FILTER (WHERE type = 'asset.uploaded'),"
            " bool_or(true) FILTER (WHERE type = 'asset.deleted'), max((d->>'attempt')::int)"
            " FROM e GROUP BY 1 ORDER BY 1"
        ).fetchall()


def digest(connection: psycopg.Connection, schema: str, table: str) -> bytes:
    """Of every row's text in the order of the primary key."""
    keys = ", ".join(key_columns(connection, schema, table))
    rows = connection.execute(f"SELECT t::text FROM {schema}.{table} t ORDER BY {keys}")
    return hashlib.sha256("\n".join(row for (row,) in rows).encode()).digest()
