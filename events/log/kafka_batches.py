"""Lets kafka-python's readers get over batches that nobody can read."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

from kafka.errors import CorruptRecordError
from kafka.record import default_records

# A batch of ours has at most 256 KiB, one that the broker takes 1 MiB; packed zeros would be a
# thousand times as many.
LARGEST_BATCH = 16 * 1024 * 1024
_Batch: type[Any] = default_records.DefaultRecordBatch


def put_unreadable_batches_aside() -> None:
    """A batch that was packed in a way that we do not know, or has bytes that are no text where a
    header's name belongs, ended every poll of kafka-python 3.0.12, and its reader with it, for
    ever. Instead it is read as one record of nothing, which is no event of ours. Bytes that were
    damaged on their way still raise: their checksum is looked at before. Needs names that are not
    public.
    """
    _Batch.__iter__ = _records
    default_records.gzip_decode = _unpacked


def _records(batch: Any) -> Iterator[Any]:
    try:
        batch._maybe_uncompress()
        return iter(list(iter(batch.__next__, None)))
    except Exception:
        nothing = default_records.DefaultRecord(
            0, batch.base_offset, batch.max_timestamp, batch.timestamp_type, None, None, []
        )
        return iter([nothing])


def _unpacked(payload: Any) -> bytes:
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    unpacked = unpacker.decompress(payload, LARGEST_BATCH)
    if not unpacker.eof:
        raise CorruptRecordError(f"a batch of more than {LARGEST_BATCH} bytes, or no whole one")
    return unpacked
