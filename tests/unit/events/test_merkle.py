"""The tree is RFC 6962's: pymerkle, which shares no code with it, comes to the same hashes."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from events.store import merkle

SIZES = st.integers(1, 300)


class Leaves:
    """Nodes over leaves in memory."""

    def __init__(self, entries: list[bytes]) -> None:
        self._hashes = [merkle.leaf_hash(entry) for entry in entries]

    def node(self, level: int, index: int) -> bytes:
        return merkle.fold(self._hashes[index << level : (index + 1) << level])


ENTRIES = [merkle.entry(n, 1_700_000_000_000_000 + n, bytes([n % 256]) * 32) for n in range(1, 301)]
OURS = Leaves(ENTRIES)


@pytest.fixture(scope="module")
def theirs() -> InmemoryTree:
    tree = InmemoryTree(algorithm="sha256")
    for entry in ENTRIES:
        tree.append_entry(entry)
    return tree


def test_the_entry_of_a_leaf_is_position_time_and_leaf():
    position = bytes([0, 0, 0, 0, 0, 0, 0, 7])
    time = bytes([0, 0, 0, 0, 0, 0, 1, 0])
    assert merkle.entry(7, 256, b"l" * 32) == position + time + b"l" * 32


def test_the_roots_of_the_rfcs_small_trees():
    a, b, c = (hashlib.sha256(b"\0" + entry).digest() for entry in ENTRIES[:3])
    ab = hashlib.sha256(b"\1" + a + b).digest()
    assert merkle.root(OURS, 0) == hashlib.sha256(b"").digest()
    assert merkle.root(OURS, 1) == a
    assert merkle.root(OURS, 3) == hashlib.sha256(b"\1" + ab + c).digest()


@given(size=SIZES)
def test_every_root_is_the_other_implementations(theirs: InmemoryTree, size: int):
    assert merkle.root(OURS, size) == theirs.get_root(size)


@given(size=SIZES, data=st.data())
def test_every_inclusion_proof_is_the_other_implementations(
    theirs: InmemoryTree, size: int, data: st.DataObject
):
    index = data.draw(st.integers(0, size - 1))
    path = merkle.inclusion(OURS, index, size)
    leaf = merkle.leaf_hash(ENTRIES[index])
    assert [leaf, *path] == theirs.prove_inclusion(index + 1, size).path
    assert merkle.root_of_inclusion(leaf, index, size, path) == theirs.get_root(size)


def by_the_book(first: int, entries: list[bytes], whole: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 6962, 2.1.2, read aloud; pymerkle's own proofs have another shape."""
    tree = InmemoryTree(algorithm="sha256")
    for entry in entries:
        tree.append_entry(entry)
    if first == len(entries):
        return [] if whole else [tree.get_root()]
    split = 1
    while split * 2 < len(entries):
        split *= 2
    left, right = entries[:split], entries[split:]
    if first <= split:
        return [*by_the_book(first, left, whole), *by_the_book(len(right), right, False)]
    return [*by_the_book(first - split, right, False), *by_the_book(split, left, False)]


@given(size=SIZES, data=st.data())
def test_every_consistency_proof_is_the_rfcs_over_the_other_implementations_nodes(
    size: int, data: st.DataObject
):
    first = data.draw(st.integers(1, size))
    assert merkle.consistency(OURS, first, size) == by_the_book(first, ENTRIES[:size])


@given(size=st.integers(2, 300), data=st.data())
def test_a_path_of_another_length_or_place_leads_nowhere(size: int, data: st.DataObject):
    index = data.draw(st.integers(0, size - 1))
    path, root = merkle.inclusion(OURS, index, size), merkle.root(OURS, size)
    leaf = merkle.leaf_hash(ENTRIES[index])
    assert merkle.root_of_inclusion(leaf, index, size, path[:-1]) != root
    assert merkle.root_of_inclusion(leaf, index, size, [*path, leaf]) != root
    assert merkle.root_of_inclusion(leaf, size, size, path) is None
    other = data.draw(st.integers(0, size - 1).filter(lambda at: at != index))
    assert merkle.root_of_inclusion(leaf, other, size, path) != root
