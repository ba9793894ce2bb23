"""Consumers that stand at the same place of the log and move together."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence

from events.log.partitions import LogPartition
from events.log.port import Checkpoint, LogItem, Vector
from processors.consumers.checkpoints import Move, swap
from processors.consumers.consumer import Connection, Consumer


class Group:
    """`vector` is where all of them stand. `lane` is what their rows of checkpoints say, None while
    one is brought up from the store. Used by one thread.
    """

    def __init__(self, lane: str | None = None) -> None:
        self.lane = lane
        self.vector = Vector()
        self._consumers: dict[str, Consumer] = {}
        # Who reads a partition here, with the live build whose checkpoint that is.
        self._readers: dict[LogPartition, dict[str, int]] = {}

    def __len__(self) -> int:
        return len(self._consumers)

    def __iter__(self) -> Iterator[Consumer]:
        return iter(self._consumers.values())

    def __contains__(self, name: str) -> bool:
        return name in self._consumers

    def join(self, consumer: Consumer, build: int, partition: LogPartition) -> None:
        """Take it in: it stands where the others stand."""
        self._consumers[consumer.name] = consumer
        self._readers.setdefault(partition, {})[consumer.name] = build

    def leave(self, name: str) -> None:
        self._consumers.pop(name, None)
        for readers in self._readers.values():
            readers.pop(name, None)

    def clear(self, partitions: Iterable[LogPartition]) -> None:
        """Forget all who read these."""
        for partition in partitions:
            self._readers.pop(partition, None)
            self.vector.pop(partition, None)
        reading = {name for readers in self._readers.values() for name in readers}
        self._consumers = {n: each for n, each in self._consumers.items() if n in reading}

    def reads(self, partition: LogPartition, name: str | None = None) -> bool:
        """Whether this consumer does; without a name, whether anybody does."""
        readers = self._readers.get(partition, {})
        return name in readers if name else bool(readers)

    def partitions(self) -> list[LogPartition]:
        return list(self._readers)

    def alone(self, consumer: Consumer) -> Group:
        """This one of them at the same place, to be tried for itself."""
        twin = copy.copy(self)
        twin.vector, twin._consumers, twin._readers = Vector(self.vector), {}, {}
        for partition, readers in self._readers.items():
            if consumer.name in readers:
                twin.join(consumer, readers[consumer.name], partition)
        return twin

    def move(
        self, connection: Connection, items: Sequence[LogItem]
    ) -> dict[LogPartition, Checkpoint]:
        """To what each partition is at after `items`, for all who read it, in one statement; give
        the answer to `moved` once it is committed. Raises CheckpointMoved.
        """
        to = {item.partition: item.checkpoint for item in items}
        self.skip(connection, to)
        return to

    def skip(self, connection: Connection, to: dict[LogPartition, Checkpoint]) -> None:
        """To these checkpoints, with nothing to apply in between. Raises CheckpointMoved."""
        moves = [
            Move(name, build, partition, self.vector.position(partition), checkpoint)
            for partition, checkpoint in to.items()
            for name, build in self._readers.get(partition, {}).items()
        ]
        self._swap(connection, moves)

    def moved(self, to: dict[LogPartition, Checkpoint]) -> None:
        self.vector.update(to)

    def _swap(self, connection: Connection, moves: Sequence[Move]) -> None:
        swap(connection, moves, self.lane, self.lane)
