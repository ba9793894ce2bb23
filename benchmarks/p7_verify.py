"""P7: `log verify` against reading the same rows and hashing them.

The peer reads every row of the three tables that `log verify` reads, through the same reader, and
takes one SHA-256 of each: no chain, no claims, no commands, no versions. Both begin with a warm
cache and run in turns.
"""

from __future__ import annotations

import json
import random
import statistics
import time
from collections.abc import Callable
from hashlib import sha256

import psycopg
from psycopg_pool import ConnectionPool

from benchmarks.result import Result, percentiles
from benchmarks.rig import Rig
from events.claims import Claim
from events.ids import AccountId, AssetId, CommandId, CorrelationId, EventId, WorkspaceId
from events.store.checkpoints import CheckpointFile
from events.store.frame_rows import Connection, copied_rows
from events.store.log_keys import OneKey
from events.store.pending import Append, PendingEvent
from events.store.postgres import append_in
from events.store.proofs import inclusion_proof
from events.store.signing import LogSigner
from events.store.verify import verify
from events.times import utc_now
from processors.checkpointer import Checkpointer

EVENTS, QUICK_EVENTS = 300_000, 2_000
ROUNDS, QUICK_ROUNDS = 7, 1
PROOFS = 40
GROUP = 400
LENGTHS = (1, 1, 2, 4)
# One event in eight takes a claim, as an upload does that is then analysed and edited.
LONGEST = max(LENGTHS)
_ROWS = (
    "SELECT event_id, stream_id, stream_version, category, type, version, effective_at, actor,"
    " tenant, correlation_id, causation_id, command_id, input_hash, claims, data, position,"
    " recorded_at, leaf, hash FROM events ORDER BY position",
    "SELECT command_id, input_hash, stream_id, stream_version, position FROM commands",
    "SELECT kind, scope, key, lower(during), upper(during), stream_id, position FROM claims",
)


def measure(rig: Rig) -> list[Result]:
    database = rig.database()
    wanted = QUICK_EVENTS if rig.quick else EVENTS
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        events, data_bytes = _fill(connection, wanted, random.Random(rig.seed))  # noqa: S311
        connection.execute("VACUUM (ANALYZE) events, commands, claims")
        rig.say(f"P7 verifies {events} events")
        ours_s, theirs_s = [], []
        for _ in range(QUICK_ROUNDS if rig.quick else ROUNDS):
            theirs_s.append(_timed(lambda: _read_and_hash(connection)))
            ours_s.append(_timed(lambda: _verify(connection, events)))
        with rig.pool(database.worker_url, 2) as pool:
            proofs = _prove(rig, pool, connection, events)
    ours, theirs = (events / statistics.median(times) for times in (ours_s, theirs_s))
    return [
        Result(
            name="P7",
            title="log verify: hashes, chain, versions, claims, commands",
            ours=ours,
            peer="read the same rows and sha256 each",
            theirs=theirs,
            ratio=ours / theirs,
            goal=0.7,
            unit="events/s",
            details={
                "events": events,
                "data_bytes_mean": round(data_bytes / events),
                "rounds": len(ours_s),
                "ours_s": [round(s, 3) for s in ours_s],
                "theirs_s": [round(s, 3) for s in theirs_s],
                "seed": rig.seed,
                "inclusion_proof_s": proofs,
            },
        )
    ]


def _verify(connection: Connection, events: int) -> None:
    verified = verify(connection)
    assert verified.ok, verified.reason
    assert verified.events == events


def _read_and_hash(connection: Connection) -> None:
    for query in _ROWS:
        for row in copied_rows(connection, query):
            sha256(row).digest()


def _prove(rig: Rig, pool: ConnectionPool, connection: Connection, events: int) -> dict[str, float]:
    """Seconds that a proof of a random event takes, each out of the stored rows alone."""
    file = CheckpointFile(rig.folder / "checkpoints.jsonl")
    checkpoint = Checkpointer(pool, file, OneKey(LogSigner(b"p" * 32))).sign()
    assert checkpoint is not None
    chance = random.Random(rig.seed)  # noqa: S311
    return percentiles(
        [
            _timed(lambda: inclusion_proof(connection, chance.randint(1, events), checkpoint))
            for _ in range(PROOFS)
        ]
    )


def _fill(connection: Connection, wanted: int, chance: random.Random) -> tuple[int, int]:
    """At least `wanted` events of about the size of ours; (how many, bytes of data)."""
    people = [(WorkspaceId.new(), AccountId.new()) for _ in range(50)]
    events = data_bytes = 0
    while events < wanted:
        appends = [_append(*chance.choice(people), chance) for _ in range(GROUP)]
        append_in(connection, appends)
        for append in appends:
            events += len(append.events)
            data_bytes += sum(len(event.data) for event in append.events)
    return events, data_bytes


def _append(tenant: WorkspaceId, actor: AccountId, chance: random.Random) -> Append:
    stream = AssetId.new()
    length = chance.choice(LENGTHS)
    return Append(
        command_id=CommandId.new(),
        input_hash=chance.randbytes(32),
        actor=actor,
        tenant=tenant,
        correlation_id=CorrelationId.new(),
        causation_id=None,
        events=tuple(
            PendingEvent(
                event_id=EventId.new(),
                stream_id=stream,
                stream_version=version,
                category="asset",
                type="asset.tried",
                version=1,
                effective_at=utc_now(),
                data=_data(stream, chance),
                takes=(Claim("content", stream),) if version == 1 and length == LONGEST else (),
            )
            for version in range(1, length + 1)
        ),
    )


def _data(stream: str, chance: random.Random) -> bytes:
    return json.dumps(
        {
            "asset_id": stream,
            "filename": f"track {chance.randrange(10**6)}.wav",
            "sha256": chance.randbytes(32).hex(),
            "size_bytes": chance.randrange(10**8),
            "note": "x" * chance.randrange(200),
        }
    ).encode()


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
