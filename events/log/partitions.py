"""Where an event goes: one topic per category, 12 partitions for the life of an epoch, chosen by
stream id.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from events.envelope import Envelope

PARTITIONS = 12
TOPIC_PREFIX = "noculture.events."


class LogPartition(NamedTuple):
    """`topic` is the name of CONTRACT §3, whatever prefix a shared cluster gives it."""

    topic: str
    number: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.number}"


# Read without a broker the log is one sequence; its checkpoint counts for every partition.
STORE = LogPartition("store", 0)


def topic_of(category: str) -> str:
    return TOPIC_PREFIX + category


def category_of(topic: str) -> str:
    return topic.removeprefix(TOPIC_PREFIX)


def partitions_of(category: str) -> list[LogPartition]:
    return [LogPartition(topic_of(category), number) for number in range(PARTITIONS)]


def partition_of(envelope: Envelope) -> LogPartition:
    return partition_for(envelope.category, envelope.stream_id)


@lru_cache(maxsize=65_536)
def partition_for(category: str, stream_id: str) -> LogPartition:
    return LogPartition(topic_of(category), partition_number(stream_id))


def partition_number(stream_id: str) -> int:
    """The one Java's and kafka-python's default partitioners choose for this key."""
    return (murmur2(stream_id.encode()) & 0x7FFFFFFF) % PARTITIONS


def murmur2(data: bytes) -> int:
    """Kafka's 32-bit MurmurHash2 (org.apache.kafka.common.utils.Utils.murmur2), unsigned."""
    multiplier, mask = 0x5BD1E995, 0xFFFFFFFF
    state = 0x9747B28C ^ len(data)
    whole = len(data) // 4 * 4
    for start in range(0, whole, 4):
        word = int.from_bytes(data[start : start + 4], "little") * multiplier & mask
        word = (word ^ word >> 24) * multiplier & mask
        state = state * multiplier & mask ^ word
    if rest := data[whole:]:
        state = (state ^ int.from_bytes(rest, "little")) * multiplier & mask
    state = (state ^ state >> 13) * multiplier & mask
    return state ^ state >> 15
