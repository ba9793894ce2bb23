"""Reads the variables of a TensorFlow checkpoint without TensorFlow.

`.index` is a LevelDB table (uncompressed blocks, prefix-compressed keys) of BundleEntryProto;
`.data-00000-of-00001` holds the values, raw and little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

_FOOTER_BYTES = 48
_MAGIC = 0xDB4775248B80FB57
_FLOAT32 = 1


class NotACheckpoint(ValueError):
    """The bytes are not what this reader knows: an uncompressed table of float32 variables."""


def read_variables(index: bytes, data: bytes) -> dict[str, np.ndarray]:
    """Every float32 variable by its name; others (step counters) are left out."""
    variables = {}
    for key, value in _table(index):
        if not key:  # the header entry
            continue
        entry = dict(_fields(value))
        if entry.get(1) != _FLOAT32:
            continue
        start, size_bytes = int(entry.get(4, 0)), int(entry.get(5, 0))
        raw = np.frombuffer(data[start : start + size_bytes], "<f4")
        variables[key.decode()] = raw.reshape(_shape(entry.get(2, b"")))
    return variables


def _table(index: bytes) -> Iterator[tuple[bytes, bytes]]:
    footer = index[-_FOOTER_BYTES:]
    if len(footer) < _FOOTER_BYTES or struct.unpack("<Q", footer[-8:])[0] != _MAGIC:
        raise NotACheckpoint("the table has no footer")
    at = _skip_varints(footer, 0, 2)  # the meta index's place
    offset, at = _varint(footer, at)
    size, _ = _varint(footer, at)
    for _, handle in _block(index, offset, size):
        offset, at = _varint(handle, 0)
        size, _ = _varint(handle, at)
        yield from _block(index, offset, size)


def _block(index: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    if index[offset + size] != 0:
        raise NotACheckpoint("a block is compressed")
    block = index[offset : offset + size]
    restarts = struct.unpack("<I", block[-4:])[0]
    end = size - 4 * (restarts + 1)
    at, key = 0, b""
    while at < end:
        shared, at = _varint(block, at)
        unshared, at = _varint(block, at)
        length, at = _varint(block, at)
        key = key[:shared] + block[at : at + unshared]
        at += unshared
        yield key, block[at : at + length]
        at += length


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a protobuf message: (number, value)."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, at = _varint(message, at)
            yield number, value
        elif kind == 2:
            length, at = _varint(message, at)
            yield number, message[at : at + length]
            at += length
        elif kind == 5:
            yield number, message[at : at + 4]
            at += 4
        else:
            raise NotACheckpoint(f"a protobuf field of kind {kind}")


def _shape(message: int | bytes) -> tuple[int, ...]:
    dims = [dim for number, dim in _fields(bytes(message)) if number == 2]
    sizes = [dict(_fields(dim)) for dim in dims if isinstance(dim, bytes)]
    return tuple(int(size.get(1, 0)) for size in sizes)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7


def _skip_varints(data: bytes, at: int, count: int) -> int:
    for _ in range(count):
        _, at = _varint(data, at)
    return at
