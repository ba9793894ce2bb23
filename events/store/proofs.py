"""Proofs that somebody without our database can check with tools/check_log.py.

*Inclusion*: this event is in the log that a checkpoint was signed over. *Consistency*: the log of a
later checkpoint begins with the log of an earlier one. Both carry the signed checkpoints.
"""

from __future__ import annotations

from typing import Any

import psycopg

from events.errors import NoCultureError
from events.store.checkpoints import Checkpoint
from events.store.frame_rows import FRAMES, copied_rows, fields
from events.store.merkle import (
    consistency,
    entry,
    inclusion,
    leaf_hash,
    root,
    root_of_inclusion,
)
from events.store.tree import StoredTree
from events.times import from_micros, rfc3339

Connection = psycopg.Connection[Any]
_TEXTS = (
    *((0, "event_id"), (1, "stream_id"), (3, "category"), (4, "type"), (7, "actor")),
    *((8, "tenant"), (9, "correlation_id"), (10, "causation_id"), (11, "command_id")),
    *((13, "claims"), (14, "data")),
)


class NotProvable(NoCultureError):
    """No signed checkpoint covers it yet, or the stored log does not lead to the signed root."""

    status, code = 409, "not-provable"


def inclusion_proof(
    connection: Connection, position: int, checkpoint: Checkpoint
) -> dict[str, Any]:
    """Proves the event at `position`, with all that its leaf is made of. Raises NotProvable."""
    if not 1 <= position <= checkpoint.size:
        raise NotProvable(f"A checkpoint of {checkpoint.size} says nothing about {position}")
    rows = list(copied_rows(connection, FRAMES.format(after=position - 1, up_to=position, seed=0)))
    if not rows:
        raise NotProvable(f"The log has no position {position}: run `log verify`")
    parts = fields(rows[0])
    frame = _frame_json(parts)
    recorded_at = _int(parts[-3])
    hashed = leaf_hash(entry(position, recorded_at, parts[-2] or b""))
    try:
        path = inclusion(StoredTree(connection), position - 1, checkpoint.size)
    except LookupError as error:
        raise NotProvable(f"{error}: run `log verify`") from error
    if root_of_inclusion(hashed, position - 1, checkpoint.size, path) != checkpoint.root:
        raise NotProvable("The stored log does not lead to the signed root: run `log verify`")
    return {
        "kind": "inclusion",
        "position": position,
        "recorded_at": rfc3339(from_micros(recorded_at)),
        "frame": frame,
        "hashes": [hash.hex() for hash in path],
        "checkpoint": checkpoint.to_json(),
    }


def consistency_proof(
    connection: Connection, first: Checkpoint, second: Checkpoint
) -> dict[str, Any]:
    """That `second` only added to `first`. Raises NotProvable."""
    if first.size > second.size:
        raise NotProvable(f"The log of {first.size} is not the beginning of that of {second.size}")
    tree = StoredTree(connection)
    try:
        if (root(tree, first.size), root(tree, second.size)) != (first.root, second.root):
            raise NotProvable("The stored log does not lead to the signed roots: run `log verify`")
        path = consistency(tree, first.size, second.size)
    except LookupError as error:
        raise NotProvable(f"{error}: run `log verify`") from error
    return {
        "kind": "consistency",
        "hashes": [hash.hex() for hash in path],
        "first": first.to_json(),
        "checkpoint": second.to_json(),
    }


def _frame_json(parts: list[bytes | None]) -> dict[str, Any]:
    """The frame's fields as an auditor reads them: `data` and `claims` are the exact texts."""
    texts = {name: None if (part := parts[at]) is None else part.decode() for at, name in _TEXTS}
    return texts | {
        "stream_version": _int(parts[2]),
        "version": _int(parts[5]),
        "effective_at": rfc3339(from_micros(_int(parts[6]))),
        "input_hash": (parts[12] or b"").hex(),
    }


def _int(part: bytes | None) -> int:
    return int.from_bytes(part or b"", signed=True)
