"""The Merkle tree over the log (RFC 6962): roots and proofs out of perfect subtrees.

`Nodes` answers perfect subtrees, from memory or from the database; everything else is arithmetic.
Leaves are counted from 0 here, so the event at position p is leaf p - 1.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from typing import Protocol

EMPTY_ROOT = hashlib.sha256(b"").digest()


class Nodes(Protocol):
    def node(self, level: int, index: int) -> bytes:
        """The root over leaves [index · 2^level, (index + 1) · 2^level)."""
        ...


def entry(position: int, recorded_at_micros: int, leaf: bytes) -> bytes:
    """Makes a leaf of the tree: int8 position ‖ int8 recorded_at ‖ the event's leaf."""
    return struct.pack(">qq", position, recorded_at_micros) + leaf


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root over 2^n hashes."""
    while len(hashes) > 1:
        hashes = [
            node_hash(left, right) for left, right in zip(hashes[::2], hashes[1::2], strict=True)
        ]
    return hashes[0]


def root(nodes: Nodes, size: int) -> bytes:
    """MTH(D[0:size])"""
    return _subtree(nodes, 0, size) if size else EMPTY_ROOT


def inclusion(nodes: Nodes, index: int, size: int) -> list[bytes]:
    """PATH(index, D[0:size]): the siblings from the leaf up to the root."""
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_subtree(nodes, middle, end))
            end = middle
        else:
            path.append(_subtree(nodes, start, middle))
            start = middle
    return path[::-1]


def consistency(nodes: Nodes, first: int, second: int) -> list[bytes]:
    """PROOF(first, D[0:second]); 0 < first <= second."""
    path: list[bytes] = []
    start, end, whole = 0, second, True
    while first < end:
        middle = start + _split(end - start)
        if first <= middle:
            path.append(_subtree(nodes, middle, end))
            end = middle
        else:
            path.append(_subtree(nodes, start, middle))
            start, whole = middle, False
    if not whole:
        path.append(_subtree(nodes, start, end))
    return path[::-1]


def root_of_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that `path` leads to; None when its length is wrong (RFC 9162, 2.1.3.2)."""
    at, last = index, size - 1
    if not 0 <= at <= last:
        return None
    for sibling in path:
        if last == 0:
            return None
        if at & 1 or at == last:
            leaf = node_hash(sibling, leaf)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            leaf = node_hash(leaf, sibling)
        at, last = at >> 1, last >> 1
    return leaf if last == 0 else None


def _subtree(nodes: Nodes, start: int, end: int) -> bytes:
    """MTH(D[start:end]) where start is a multiple of every split below it."""
    size = end - start
    if size & (size - 1) == 0:
        return nodes.node(size.bit_length() - 1, start // size)
    middle = start + _split(size)
    return node_hash(_subtree(nodes, start, middle), _subtree(nodes, middle, end))


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)
