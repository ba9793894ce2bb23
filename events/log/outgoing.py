"""Records for the relay to send: stored events as `records.to_record` has them, made by Postgres.

Postgres makes them on a second core, because Python's time limits the relay: a record then costs
it 4 µs, read as an envelope and encoded in Python 14 µs; the producer itself needs 40.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from psycopg_pool import ConnectionPool

from events.log.partitions import LogPartition, partition_for
from events.log.records import Headers, type_headers

# Header → its text in SQL. The last two may be null and then are left out.
_HEADERS = {
    "ce_id": "event_id",
    "ce_subject": "stream_id",
    "ce_time": "{recorded_at}",
    "ce_position": "position::text",
    "ce_streamversion": "stream_version::text",
    "ce_effectiveat": "{effective_at}",
    "ce_tenant": "tenant",
    "ce_correlationid": "correlation_id",
    "ce_commandid": "command_id",
    "ce_hash": "encode(hash, 'hex')",
    "ce_actor": "actor",
    "ce_causationid": "causation_id",
}
_NAMES = tuple(_HEADERS)[:-2]
_TIMES = {
    name: f"to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    for name in ("recorded_at", "effective_at")
}
_FIRST_HEADER = 8
_COLUMNS = (
    "position, stream_id, stream_version, category, type, version,"
    " floor(extract(epoch FROM recorded_at) * 1000)::bigint AS timestamp_ms, data, "
    + ", ".join(
        f"convert_to({text.format(**_TIMES)}, 'UTF8') AS {name}" for name, text in _HEADERS.items()
    )
)
# Data of the rows before, so that a page of large events is short. The 16 MiB have 8 s to arrive.
PAGE_BYTES = 16 * 1024 * 1024
_PAGE = f"""
SELECT * FROM (
    SELECT {_COLUMNS},
           sum(octet_length(data)) OVER (ORDER BY position) - octet_length(data) AS bytes_before
    FROM events WHERE position > %(after)s {{and_categories}}
    ORDER BY position LIMIT %(limit)s) page
WHERE bytes_before < %(bytes)s ORDER BY position"""


class OutgoingRecord(NamedTuple):
    """`key`, `value`, `headers` and `timestamp_ms` (of recorded_at) are what Kafka gets."""

    position: int
    stream_id: str
    stream_version: int
    partition: LogPartition
    timestamp_ms: int
    value: bytes
    key: bytes
    headers: Headers

    @property
    def correlation_id(self) -> str:
        return dict(self.headers)["ce_correlationid"].decode()


class OutgoingRecords:
    """`source` is `records.source_of(log id, epoch)`."""

    def __init__(self, pool: ConnectionPool, source: str) -> None:
        self._pool, self._source = pool, source

    def after(
        self, position: int, limit: int, categories: Sequence[str] | None = None
    ) -> list[OutgoingRecord]:
        """The next records behind `position`, at most `limit` and about PAGE_BYTES."""
        statement = _PAGE.format(
            and_categories="" if categories is None else "AND category = ANY(%(categories)s)"
        )
        values = {
            "after": position,
            "limit": limit,
            "bytes": PAGE_BYTES,
            "categories": None if categories is None else list(categories),
        }
        with self._pool.connection() as connection:
            rows = connection.cursor(binary=True).execute(statement, values)
            return [self._record(row) for row in rows]

    def walk(
        self, after: int, limit: int, categories: Sequence[str] | None = None
    ) -> Iterator[list[OutgoingRecord]]:
        """Pages of everything behind `after`."""
        while page := self.after(after, limit, categories):
            yield page
            after = page[-1].position

    def _record(self, row: tuple[Any, ...]) -> OutgoingRecord:
        headers = type_headers(row[4], row[5], self._source)
        headers = [*headers, *zip(_NAMES, row[_FIRST_HEADER:-3], strict=True)]
        if (actor := row[-3]) is not None:
            headers.append(("ce_actor", actor))
        if (cause := row[-2]) is not None:
            headers.append(("ce_causationid", cause))
        return OutgoingRecord(
            row[0],
            row[1],
            row[2],
            partition_for(row[3], row[1]),
            row[6],
            row[7],
            row[_FIRST_HEADER + 1],
            headers,
        )
