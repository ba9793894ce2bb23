"""What somebody with the owner's role could do who knows how the log is hashed."""

from __future__ import annotations

import hashlib

import psycopg

from events.envelope import chain, frame
from events.times import to_micros

_FRAME = (
    "event_id, stream_id, stream_version, category, type, version, effective_at, actor, tenant,"
    " correlation_id, causation_id, command_id, input_hash, claims, data"
)


def rehash_from(owner: psycopg.Connection, position: int, data: bytes) -> None:
    """Put other data into one event, and make its leaf and all hashes behind it anew."""
    owner.execute("UPDATE events SET data = %s WHERE position = %s", (data, position))
    row = owner.execute("SELECT hash FROM events WHERE position = %s", (position - 1,)).fetchone()
    assert row is not None
    (hash,) = row
    rows = owner.execute(
        f"SELECT position, recorded_at, {_FRAME} FROM events WHERE position >= %s"
        " ORDER BY position",
        (position,),
    ).fetchall()
    names = _FRAME.split(", ")
    for at, recorded_at, *fields in rows:
        leaf = hashlib.sha256(frame(**dict(zip(names, fields, strict=True)))).digest()
        hash = chain(hash, at, to_micros(recorded_at), leaf)
        owner.execute(
            "UPDATE events SET leaf = %s, hash = %s WHERE position = %s", (leaf, hash, at)
        )
