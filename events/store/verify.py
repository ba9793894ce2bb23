"""`log verify`: re-do every hash and the claims, name the first position that is wrong."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

from events.envelope import chain, frame, genesis
from events.times import to_micros

PAGE = 2_000
_ROWS = (
    "SELECT position, event_id, stream_id, stream_version, category, type, version, recorded_at,"
    " effective_at, actor, tenant, correlation_id, causation_id, command_id, input_hash, claims,"
    " data, leaf, hash FROM events WHERE position > %s ORDER BY position LIMIT %s"
)


@dataclass(frozen=True, slots=True)
class Verification:
    """`position` and `reason` of the first wrong thing when not `ok`."""

    ok: bool
    events: int
    head: int
    position: int | None = None
    reason: str | None = None


ClaimKey = tuple[str, str, str, str | None, str | None]


def verify(
    connection: psycopg.Connection[Any], progress: Callable[[int], None] = lambda _: None
) -> Verification:
    """Walk the whole log in keyset pages. `progress` gets the number of events checked."""
    row = connection.execute("SELECT log_id FROM log_identity").fetchone()
    if row is None:
        return Verification(False, 0, 0, 0, "the log has no identity")
    previous, count = genesis(row[0]), 0
    versions: dict[str, int] = defaultdict(int)
    claims: dict[ClaimKey, tuple[str, int]] = {}
    for stored in _rows(connection):
        wrong = _check(stored, previous, count + 1, versions)
        if wrong is not None:
            return Verification(False, count, count, min(stored[0], count + 1), wrong)
        _fold_claims(claims, stored)
        previous, count = stored[18], count + 1
        if count % PAGE == 0:
            progress(count)
    progress(count)
    bad = _check_claims(connection, claims, count)
    if bad is not None:
        return Verification(False, count, count, *bad)
    return Verification(True, count, count)


def _rows(connection: psycopg.Connection[Any]) -> Iterator[tuple[Any, ...]]:
    last = 0
    while True:
        page = connection.cursor(binary=True).execute(_ROWS, (last, PAGE)).fetchall()
        if not page:
            return
        yield from page
        last = page[-1][0]


def _check(
    row: tuple[Any, ...], previous: bytes, expected: int, versions: dict[str, int]
) -> str | None:
    position, stream_id, stream_version = row[0], row[2], row[3]
    if position != expected:
        return f"position {expected} is missing"
    leaf = hashlib.sha256(
        frame(
            event_id=row[1],
            stream_id=stream_id,
            stream_version=stream_version,
            category=row[4],
            type=row[5],
            version=row[6],
            effective_at=row[8],
            actor=row[9],
            tenant=row[10],
            correlation_id=row[11],
            causation_id=row[12],
            command_id=row[13],
            input_hash=row[14],
            claims=row[15],
            data=row[16],
        )
    ).digest()
    if leaf != row[17]:
        return "the event is not the one that was hashed"
    if chain(previous, position, to_micros(row[7]), leaf) != row[18]:
        return "the hash does not follow from the one before it"
    versions[stream_id] += 1
    if versions[stream_id] != stream_version:
        return f"{stream_id} has version {stream_version} where {versions[stream_id]} belongs"
    return None


def _fold_claims(claims: dict[ClaimKey, tuple[str, int]], row: tuple[Any, ...]) -> None:
    for move in json.loads(row[15]) if row[15] else ():
        scope = "" if move["scope"] == "global" else row[10]
        key = (move["kind"], scope, move["key"], move["since"], move["until"])
        if move["op"] == "release":
            claims.pop(key, None)
        else:
            claims[key] = (row[2], row[0])


def _check_claims(
    connection: psycopg.Connection[Any], folded: dict[ClaimKey, tuple[str, int]], head: int
) -> tuple[int, str] | None:
    """The claims table is a fold of the events; an edited row would let a rule be broken later."""
    stamp = "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    stored: dict[ClaimKey, tuple[str, int]] = {
        (kind, scope, key, since, until): (stream_id, position)
        for kind, scope, key, since, until, stream_id, position in connection.execute(
            f"SELECT kind, scope, key, {stamp.format('lower(during)')},"
            f" {stamp.format('upper(during)')}, stream_id, position FROM claims"
            " WHERE position <= %s",
            (head,),
        )
    }
    differing = {
        folded.get(key, stored.get(key))[1]  # type: ignore[index]
        for key in folded.keys() | stored.keys()
        if folded.get(key) != stored.get(key)
    }
    if not differing:
        return None
    return min(differing), "the claims table does not follow from the events"
