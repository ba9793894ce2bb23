"""The port between the log and its consumers: who reads gets batches of items and says where it
stands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
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
    """An event and the checkpoint that its partition has once it is applied. `after` is where the
    partition stood before it: who stands further back has missed something.
    """

    envelope: Envelope
    partition: LogPartition
    checkpoint: Checkpoint
    applied_before: bool = False
    after: int = 0


class Vector(dict[LogPartition, Checkpoint]):
    """Checkpoints of those who stand at the same place. What was read without a broker counts for
    every partition and the reverse, so an installation may change between the two.
    """

    def applied(self, partition: LogPartition, position: int) -> bool:
        return position <= self.position(partition) or position <= self.position(STORE)

    def position(self, partition: LogPartition) -> int:
        checkpoint = self.get(partition)
        return checkpoint.position if checkpoint else 0


class LogReader(Protocol):
    """One worker's way through the log, used by one thread.

    `joined` turns true once it has been given its share of the log, which may be none of it.
    """

    joined: bool

    def poll(self, limit: int, timeout_s: float) -> Sequence[LogItem]:
        """The next items, in order per partition; empty after `timeout_s` or when another worker
        has them.

        Kafka's or Postgres's own errors come through: close the reader and make a new one.
        """
        ...

    def share(self) -> frozenset[LogPartition]:
        """The partitions that are this worker's now."""
        ...

    def hold(self, partitions: Set[LogPartition]) -> None:
        """Read nothing of these until they are named no longer: somebody has more than enough."""
        ...

    def rewind(self) -> None:
        """Go on from the checkpoints as they are in the database now."""
        ...

    def end(self) -> None:
        """From any thread: the poll under way and those to come answer at once, with nothing."""
        ...

    def close(self) -> None: ...


# Loads from the database where each partition is read on.
LoadVector = Callable[[], Vector]


class EventLog(Protocol):
    """The log, however it is read. `partitions` says which checkpoints a consumer of `categories`
    has. `group` names those workers that share it.
    """

    def partitions(self, categories: Sequence[str]) -> list[LogPartition]: ...

    def reader(self, group: str, categories: Sequence[str], load: LoadVector) -> LogReader: ...
