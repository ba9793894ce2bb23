"""The log's Merkle tree out of stored rows: complete subtrees of 1,024 in log_tree, the rest from
the events. A proof over ten million events reads at most 1,024 rows of each of three levels, twice.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Any

import psycopg

from events.errors import NoCultureError
from events.store.frame_rows import LINKS, copied_rows, link_of
from events.store.merkle import entry, fold, leaf_hash

TILE_LEVELS = 10
TILE = 1 << TILE_LEVELS
_TILES_KEPT = 16


class BrokenChain(NoCultureError):
    """The stored hashes do not follow from each other at `position`."""

    status, code = 500, "broken-chain"

    def __init__(self, position: int) -> None:
        super().__init__(f"The log does not hold together at position {position}: run `log verify`")
        self.position = position


def follow(
    connection: psycopg.Connection[Any], hash: bytes, after: int, up_to: int
) -> tuple[bytes, int]:
    """The chain from `hash` of position `after` on: (hash, recorded_at in microseconds) of `up_to`.

    Leaves are taken as they are stored; only `log verify` makes them anew. Raises BrokenChain.
    """
    position, recorded_at = after, 0
    for row in copied_rows(connection, LINKS.format(after=after, up_to=up_to)):
        position += 1
        link = link_of(row)
        if link is None:
            raise BrokenChain(position)
        _, recorded_at, leaf, stored = link
        hash = hashlib.sha256(hash + entry(position, recorded_at, leaf)).digest()
        if hash != stored:
            raise BrokenChain(position)
    if position != up_to:
        raise BrokenChain(position + 1)
    return hash, recorded_at


class StoredTree:
    """`merkle.Nodes` over the events of one transaction's snapshot."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._tiles: OrderedDict[tuple[int, int], list[bytes]] = OrderedDict()

    def node(self, level: int, index: int) -> bytes:
        """Raises LookupError when the log does not reach so far."""
        base = level - level % TILE_LEVELS
        width = 1 << (level - base)
        tile, first = divmod(index * width, TILE)
        hashes = self._tile(base, tile)[first : first + width]
        if len(hashes) < width:
            raise LookupError(f"the log has no complete node {index} at level {level}")
        return fold(hashes)

    def store_complete(self, size: int) -> None:
        """Keep the roots of all subtrees of 1,024, 1,024², … that `size` events fill."""
        level = TILE_LEVELS
        while count := size >> level:
            row = self._connection.execute(
                "SELECT coalesce(max(index) + 1, 0) FROM log_tree WHERE level = %s", (level,)
            ).fetchone()
            for index in range(row[0] if row else 0, count):
                self._connection.execute(
                    "INSERT INTO log_tree (level, index, root) VALUES (%s, %s, %s)",
                    (level, index, fold(self._tile(level - TILE_LEVELS, index))),
                )
            level += TILE_LEVELS
        # Tiles read before they were full.
        self._tiles.clear()

    def _tile(self, level: int, tile: int) -> list[bytes]:
        """The nodes of `level` in one tile, as far as they are complete."""
        key = level, tile
        if key not in self._tiles:
            self._tiles[key] = self._leaves(tile) if level == 0 else self._stored(level, tile)
        self._tiles.move_to_end(key)
        nodes = self._tiles[key]
        while len(self._tiles) > _TILES_KEPT:
            self._tiles.popitem(last=False)
        return nodes

    def _leaves(self, tile: int) -> list[bytes]:
        query = LINKS.format(after=tile * TILE, up_to=(tile + 1) * TILE)
        hashes = []
        for expected, row in enumerate(copied_rows(self._connection, query), tile * TILE + 1):
            link = link_of(row)
            if link is None or link[0] != expected:
                raise LookupError(f"position {expected} is missing or damaged")
            position, recorded_at, leaf, _ = link
            hashes.append(leaf_hash(entry(position, recorded_at, leaf)))
        return hashes

    def _stored(self, level: int, tile: int) -> list[bytes]:
        rows = self._connection.execute(
            "SELECT index, root FROM log_tree WHERE level = %s AND index >= %s AND index < %s"
            " ORDER BY index",
            (level, tile * TILE, (tile + 1) * TILE),
        ).fetchall()
        nodes: list[bytes] = []
        for expected, (index, root) in enumerate(rows, tile * TILE):
            if index != expected:
                break
            nodes.append(bytes(root))
        return nodes
