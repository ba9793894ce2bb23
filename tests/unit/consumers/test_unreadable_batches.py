"""A batch that nobody can read is one record of nothing; all others are read as they are."""

from __future__ import annotations

from typing import Any

import pytest
from kafka.record import default_records
from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from events.log import kafka_batches
from events.log.kafka_batches import LARGEST_BATCH

kafka_batches.put_unreadable_batches_aside()
NONE, GZIP, ZSTD = 0, 1, 4


class NoText(str):
    """A header's name whose bytes are not UTF-8."""

    __slots__ = ()

    def encode(self, *_: Any) -> bytes:
        return b"\xff\xfe"


def batch(packed: int, *records: tuple[bytes, list[tuple[str, bytes]]]) -> DefaultRecordBatch:
    builder = DefaultRecordBatchBuilder(2, packed, False, -1, -1, -1, 2**30)
    for offset, (value, headers) in enumerate(records):
        builder.append(offset, 1_000, b"key", value, headers)
    return DefaultRecordBatch(builder.build())


@pytest.mark.parametrize("packed", [NONE, GZIP])
def test_a_batch_that_can_be_read_is_read(packed: int):
    read = list(batch(packed, (b"one", [("name", b"x")]), (b"two", [])))
    assert [(record.offset, record.key, record.value) for record in read] == [
        (0, b"key", b"one"),
        (1, b"key", b"two"),
    ]
    assert read[0].headers == [("name", b"x")]


def test_one_that_cannot_be_is_a_record_of_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(default_records, "zstd_encode", lambda data: bytes(data)[:1])
    monkeypatch.setattr(DefaultRecordBatchBuilder, "_assert_has_codec", lambda *_: None)
    for unreadable in (
        batch(NONE, (b"one", [(NoText("name"), b"x")]), (b"two", [])),
        batch(GZIP, (bytes(LARGEST_BATCH + 1), [])),
        batch(ZSTD, (bytes(1_000), [])),
    ):
        [record] = unreadable
        assert (record.offset, record.key, record.value, record.headers) == (0, None, None, [])


def test_damaged_bytes_are_still_noticed():
    whole = batch(NONE, (b"one", []))
    damaged = bytearray(whole._buffer)
    damaged[-1] ^= 1
    assert whole.validate_crc()
    assert not DefaultRecordBatch(damaged).validate_crc()
