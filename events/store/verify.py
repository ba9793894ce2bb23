"""`log verify`: re-do every hash, the claims and the commands; name the first position that is
wrong. Against exported checkpoints it also sees a tail that was cut off or hashed anew.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import psycopg

from events.envelope import genesis
from events.store.checkpoints import Checkpoint
from events.store.frame_rows import (
    FRAME,
    FRAMES,
    HASH,
    LEAF,
    POSITION,
    RECORDED_AT,
    TAIL_BYTES,
    copied_rows,
    fields,
    tail_of,
)
from events.store.merkle import root
from events.store.tree import StoredTree
from events.store.verify_sides import Connection, HeldClaims, Problem, check_commands

PAGE = 50_000
_PACK = struct.Struct(">q").pack


@dataclass(frozen=True, slots=True)
class Verification:
    """`position` and `reason` of the first wrong thing when not `ok`.

    `checkpoints` matched; `abandoned` ones lie on a branch that `log recover` gave up by signing
    the next epoch. Positions up to `since` were not re-checked: their checkpoint was trusted.
    """

    ok: bool
    events: int
    head: int
    position: int | None = None
    reason: str | None = None
    checkpoints: int = 0
    abandoned: int = 0
    since: int = 0


def verify(
    connection: psycopg.Connection[Any],
    progress: Callable[[int], None] = lambda _: None,
    checkpoints: Sequence[Checkpoint] = (),
    since: Checkpoint | None = None,
) -> Verification:
    """Everything as it is now, in one snapshot; `connection` is in autocommit mode.

    `checkpoints` are signed ones in the order of (epoch, size), their signatures checked before.
    `since`, one of them, is where to begin. `progress` gets the number of events checked.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        row = connection.execute(
            "SELECT log_id, (SELECT coalesce(max(position), 0) FROM events),"
            " pg_export_snapshot() FROM log_identity"
        ).fetchone()
        if row is None:
            return Verification(False, 0, 0, 0, "the log has no identity")
        log_id, head, snapshot = row
        if foreign := next((c for c in checkpoints if c.log_id != log_id), None):
            return Verification(
                False, 0, head, 1, f"this is {log_id}, the checkpoints are of {foreign.log_id}"
            )
        start = since.size if since else 0
        if since and (wrong := _check_start(connection, since)):
            return Verification(False, 0, head, *wrong)
        walk = _Walk(since.hash if since else genesis(log_id), start, checkpoints)
        with ThreadPoolExecutor(1) as aside:
            info = connection.info
            commands = aside.submit(check_commands, info.dsn, info.password, snapshot, start)
            problems = [walk.run(connection, head, progress)]
            problems.append(commands.result())
        signed, history = walk.against(checkpoints, head)
        problems.append(history)
        if not any(problems):
            problems += [walk.claims.differing(connection), walk.unknown_versions(connection)]
    done = replace(signed, events=walk.count - start, head=walk.count, since=start)
    if found := [problem for problem in problems if problem]:
        position, reason = min(found)
        return replace(done, ok=False, position=position, reason=reason)
    return done


class _Walk:
    """The chain from `count` on, whose last hash is `hash`; 80 bytes of memory a stream."""

    def __init__(self, hash: bytes, count: int, checkpoints: Sequence[Checkpoint]) -> None:
        self.hash, self.count, self._start = hash, count, count
        self._seed = random.SystemRandom().getrandbits(63)
        self.claims = HeldClaims(count, self._seed)
        # Keyed by a 64-bit hash: of 10 million streams two would share one once in 400,000 runs.
        self._versions: dict[int, int] = {}
        self._before: dict[str, int] = {}
        self._marks: dict[int, bytes] = {c.size: b"" for c in checkpoints if c.size > count}
        if count:
            self._marks[count] = hash

    def run(
        self, connection: Connection, head: int, progress: Callable[[int], None]
    ) -> Problem | None:
        while self.count < head:
            up_to = min(self.count + PAGE, head)
            query = FRAMES.format(after=self.count, up_to=up_to, seed=self._seed)
            with closing(copied_rows(connection, query)) as rows:
                if problem := self._page(rows):
                    return problem
            if self.count < up_to:
                return self.count + 1, f"position {self.count + 1} is missing"
            progress(self.count)
        return None

    def _page(self, rows: Iterator[bytes]) -> Problem | None:
        """The hot loop."""
        previous, versions, marks, claims = self.hash, self._versions, self._marks, self.claims
        count = self.count
        for row in rows:
            count += 1
            leaf = sha256(row[FRAME]).digest()
            hash_ = sha256(previous + _PACK(count) + row[RECORDED_AT] + leaf).digest()
            if leaf != row[LEAF] or hash_ != row[HASH]:
                self.count = count - 1
                return _diagnosis(row, count, leaf)
            previous = hash_
            claims_size, data_size, tenant, stream, version = tail_of(row)
            if versions.get(stream, 0) != version - 1:
                stream_id = (fields(row)[1] or b"").decode()
                if not self._start or stream in versions:
                    self.count = count - 1
                    return count, _wrong_version(stream_id, version, versions.get(stream, 0) + 1)
                self._before[stream_id] = version - 1
            versions[stream] = version
            if claims_size >= 0:
                # In front of the data, which ends where the tail begins.
                end = -TAIL_BYTES - 4 - data_size
                claims.fold(count, stream, tenant, row[end - claims_size : end])
            if count in marks:
                marks[count] = hash_
        self.hash, self.count = previous, count
        return None

    def against(
        self, checkpoints: Sequence[Checkpoint], head: int
    ) -> tuple[Verification, Problem | None]:
        """How many checkpoints the log still agrees with, and where it left the signed history."""
        newest_epoch = max((c.epoch for c in checkpoints), default=0)
        matched = abandoned = agreed = 0
        for checkpoint in sorted(checkpoints, key=lambda c: c.size):
            if self._marks.get(checkpoint.size) == checkpoint.hash:
                matched, agreed = matched + 1, checkpoint.size
            elif checkpoint.size < self._start or head >= checkpoint.size > self.count:
                # The walk did not reach this checkpoint: it began later, or ended at damage before.
                continue
            elif checkpoint.epoch < newest_epoch:
                abandoned += 1
            elif checkpoint.size > head:
                reason = f"the log ends at {head}, a checkpoint of {checkpoint.size} was signed"
                return Verification(True, 0, 0, checkpoints=matched), (head + 1, reason)
            else:
                reason = (
                    f"the checkpoint of {checkpoint.size} was signed over other events;"
                    f" the last that still agrees is of {agreed}"
                )
                return Verification(True, 0, 0, checkpoints=matched), (agreed + 1, reason)
        return Verification(True, 0, 0, checkpoints=matched, abandoned=abandoned), None

    def unknown_versions(self, connection: Connection) -> Problem | None:
        """Streams from before the start: the version each goes on from must be there."""
        row = connection.execute(
            "SELECT s.stream, s.version FROM unnest(%s::text[], %s::bigint[]) s(stream, version)"
            " WHERE NOT EXISTS (SELECT FROM events e WHERE e.stream_id = s.stream"
            " AND e.stream_version = s.version AND e.position <= %s) LIMIT 1",
            (list(self._before), list(self._before.values()), self._start),
        ).fetchone()
        if row is None:
            return None
        position = connection.execute(
            "SELECT min(position) FROM events WHERE stream_id = %s AND position > %s",
            (row[0], self._start),
        ).fetchone()
        assert position is not None
        return position[0], f"{row[0]} goes on from version {row[1]}, which is not there"


def _check_start(connection: Connection, since: Checkpoint) -> Problem | None:
    """The stored root and hash at the checkpoint are the signed ones."""
    row = connection.execute(
        "SELECT hash FROM events WHERE position = %s", (since.size,)
    ).fetchone()
    if row is None or row[0] != since.hash:
        return (
            since.size,
            f"it is not the event that the checkpoint of {since.size} was signed over",
        )
    try:
        if root(StoredTree(connection), since.size) == since.root:
            return None
    except LookupError:
        pass
    return since.size, "the stored tree does not lead to the signed root: verify from the start"


def _diagnosis(row: bytes, expected: int, leaf: bytes) -> Problem:
    """In words; a row of another shape cannot be what was hashed either."""
    position = int.from_bytes(row[POSITION])
    if position != expected:
        return min(position, expected), f"position {expected} is missing"
    if leaf != row[LEAF]:
        return expected, "the event is not the one that was hashed"
    return expected, "the hash does not follow from the one before it"


def _wrong_version(stream_id: str, version: int, belongs: int) -> str:
    return f"{stream_id} has version {version} where {belongs} belongs"
