"""The port between the log and its consumers: who reads gets batches of items and says where it
stands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from events.envelope import Envelope
from events.log.partitions import STORE, LogPartition


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Up to which position a partition is applied; on Kafka also that record's offset, and in which
    topic.
    """

    position: int = 0
    offset: int | None = None
    topic_id: str | None = None


@dataclass(frozen=True, slots=True)
class LogItem:
    """An event and the checkpoint that its partition has once it is applied."""

    envelope: Envelope
    partition: LogPartition
    checkpoint: Checkpoint
    applied_before: bool = False


class Vector(dict[LogPartition, Checkpoint]):
    """All checkpoints of one consumer. What it read without a broker counts for its partitions and
    the reverse, so an installation may change between the two.
    """

    def applied(self, partition: LogPartition, position: int) -> bool:
        return position <= self.position(partition) or position <= self.position(STORE)

    def position(self, partition: LogPartition) -> int:
        checkpoint = self.get(partition)
        return checkpoint.position if checkpoint else 0


class LogReader(Protocol):
    """One consumer's way through the log, used by one thread.

    `joined` turns true once it has been given its share of the log, which may be none of it.
    """

    joined: bool

    def poll(self, limit: int, timeout_s: float) -> Sequence[LogItem]:
        """The next items, in order per partition; empty after `timeout_s` or when another worker
        has them.

        Kafka's or Postgres's own errors come through: close the reader and make a new one.
        """
        ...

    def rewind(self) -> None:
        """Go on from the checkpoints as they are in the database now."""
        ...

    def end(self) -> None:
        """From any thread: the poll under way and those to come answer at once, with nothing."""
        ...

    def close(self) -> None: ...


# Loads the consumer's checkpoints from the database and keeps the answer up to date while batches
# commit.
LoadVector = Callable[[], Vector]


class EventLog(Protocol):
    """The log, however it is read. `partitions` says which checkpoints a consumer of `categories`
    has.
    """

    def partitions(self, categories: Sequence[str]) -> list[LogPartition]: ...

    def reader(self, consumer: str, categories: Sequence[str], load: LoadVector) -> LogReader: ...
