"""A stream's partition is the one that every Kafka client would choose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2 as clients_murmur2

from events.ids import AssetId
from events.log.partitions import murmur2, partition_number

# org.apache.kafka.common.utils.UtilsTest.testMurmur2, signed there.
JAVA = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize("key", JAVA)
def test_the_hash_is_javas(key: bytes):
    assert murmur2(key) == JAVA[key] % 2**32


@given(st.binary(max_size=70))
def test_the_hash_is_the_clients(key: bytes):
    assert murmur2(key) == clients_murmur2(key) % 2**32


def test_streams_spread_over_all_twelve():
    assert {partition_number(AssetId.new()) for _ in range(1_000)} == set(range(12))
