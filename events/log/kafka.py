"""The log on Kafka: one consumer group for all workers, the checkpoint in Postgres decides, never a
committed offset.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import replace
from typing import Any

from kafka import TopicPartition
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import InconsistentTopicIdError, KafkaError

from events.log.kafka_batches import put_unreadable_batches_aside
from events.log.kafka_config import KafkaConfig
from events.log.kafka_fetching import remember_fetch_entries
from events.log.kafka_topics import KafkaTopics
from events.log.kafka_waiting import WakefulConsumer
from events.log.partitions import LogPartition, partitions_of, topic_of
from events.log.port import Checkpoint, LoadVector, LogItem, LogReader, Vector
from events.log.proving import Reading, RecordProofs

CLOSE_MS = 2_000
# A live group answers every two seconds.
SILENT_S = 45.0

remember_fetch_entries()
put_unreadable_batches_aside()


class GroupSilent(KafkaError):  # type: ignore[misc]
    """The client's heartbeats have ended: the broker has given its partitions to others."""

    def __init__(self, group: str) -> None:
        super().__init__(f"{group} was not answered by its group for {SILENT_S:.0f} s")


class KafkaLog:
    """The adapter that scales: workers of one group share the partitions."""

    def __init__(self, config: KafkaConfig, proofs: RecordProofs) -> None:
        self._config, self._proofs = config, proofs
        self._topics = KafkaTopics(config)

    def partitions(self, categories: Sequence[str]) -> list[LogPartition]:
        return [partition for category in categories for partition in partitions_of(category)]

    def reader(self, group: str, categories: Sequence[str], load: LoadVector) -> LogReader:
        topic_ids = self._topics.made(categories)
        wanted = {topic_of(category): topic_ids[topic_of(category)] for category in categories}
        return _KafkaReader(self._config, self._proofs.reading(), group, wanted, load)


class _KafkaReader:
    def __init__(
        self,
        config: KafkaConfig,
        reading: Reading,
        group: str,
        topic_ids: dict[str, str],
        load: LoadVector,
    ) -> None:
        self._config, self._topic_ids, self._load = config, topic_ids, load
        self._reading = reading
        self._name, self._opened = group, time.monotonic()
        self._vector = Vector()
        # What was read last of a partition, or where it was resumed.
        self._read: dict[LogPartition, int] = {}
        self._held: set[TopicPartition] = set()
        self._shared: tuple[set[TopicPartition], frozenset[LogPartition]] = set(), frozenset()
        # Where a partition was resumed: its first record must be the one the checkpoint names.
        self._resumed: dict[LogPartition, Checkpoint] = {}
        self._assigned: set[TopicPartition] = set()
        self.joined = self._told = self._ended = False
        self._assigning = threading.Lock()
        settings = config.consumer() | {
            "group_id": config.named(f"noculture.{group}"),
            "partition_assignment_strategy": (CooperativeStickyAssignor,),
            # A killed worker's partitions are free after 6 s, the shortest that brokers allow.
            "session_timeout_ms": 6_000,
            "heartbeat_interval_ms": 2_000,
        }
        if config.member:
            settings["group_instance_id"] = f"{group}-{config.member}"
        self._consumer = WakefulConsumer(**settings)
        self._consumer.subscribe(
            [config.named(topic) for topic in topic_ids], listener=_Listener(self._remember)
        )

    def poll(self, limit: int, timeout_s: float) -> Sequence[LogItem]:
        fetched = self._consumer.poll_until(timeout_s, limit, lambda: self._told or self._ended)
        self._same_topics()
        self._still_a_member()
        self._resume_assigned(fetched)
        items: list[LogItem] = []
        for kafka_partition, records in fetched.items():
            partition = self._partition(kafka_partition)
            if not self._continues(partition, kafka_partition, records[0]):
                continue
            for record in records:
                item = self._ours(partition, record)
                if item is None:
                    continue
                position, after = item.checkpoint.position, self._read.get(partition, 0)
                self._read[partition] = position
                if not self._vector.applied(partition, position):
                    items.append(replace(item, after=after))
        return items

    def share(self) -> frozenset[LogPartition]:
        # Asked for at every poll, and it seldom changes: 60 topics have 720 partitions.
        if (assigned := self._consumer.assignment()) != self._shared[0]:
            self._shared = assigned, frozenset(map(self._partition, assigned))
        return self._shared[1]

    def hold(self, partitions: Set[LogPartition]) -> None:
        assigned = self._consumer.assignment()
        held = {each for each in assigned if self._partition(each) in partitions}
        with self._assigning:
            freed = (self._held & assigned) - held - self._assigned
            new, self._held = held - self._held, held
        if new:
            self._consumer.pause(*new)
        if freed:
            self._consumer.resume(*freed)
            self._consumer.forget_fetches()

    def rewind(self) -> None:
        self._resume(self._consumer.assignment())

    def end(self) -> None:
        self._ended = True
        self._consumer.wake()

    def close(self) -> None:
        # A broker that is gone must not hold up a worker's end.
        self._consumer.close(autocommit=False, timeout_ms=CLOSE_MS)

    def _remember(self, assigned: Iterable[TopicPartition]) -> None:
        """Runs in the client's own thread: hold the partitions until `poll` has read their
        checkpoints.
        """
        with self._assigning:
            self._told = True
            self._assigned.update(assigned)
            self._consumer.pause(*assigned)

    def _resume_assigned(self, fetched: dict[TopicPartition, list[Any]]) -> None:
        with self._assigning:
            assigned = self._assigned & self._consumer.assignment()
            self._assigned.clear()
            self.joined, self._told = self.joined or self._told, False
            if assigned:
                self._resume(assigned)
                if going_on := assigned - self._held:
                    self._consumer.resume(*going_on)
        for kafka_partition in assigned:
            fetched.pop(kafka_partition, None)

    def _resume(self, assigned: Iterable[TopicPartition]) -> None:
        """Seek to the last applied record; from the earliest if it is another topic by now."""
        self._vector = self._load()
        for kafka_partition in assigned:
            partition = self._partition(kafka_partition)
            checkpoint = self._vector.get(partition, Checkpoint())
            self._read[partition] = checkpoint.position
            same_topic = checkpoint.topic_id == self._topic_ids[partition.topic]
            if checkpoint.offset is None or not same_topic:
                self._consumer.seek_to_beginning(kafka_partition)
                self._resumed.pop(partition, None)
            else:
                self._consumer.seek(kafka_partition, checkpoint.offset)
                self._resumed[partition] = checkpoint
        self._consumer.forget_fetches()

    def _continues(
        self, partition: LogPartition, kafka_partition: TopicPartition, first: Any
    ) -> bool:
        """False if the topic was cut and filled again under us: then its offsets mean nothing, read
        it all.
        """
        resumed = self._resumed.pop(partition, None)
        if resumed is None:
            return True
        item = self._ours(partition, first)
        place = item and (item.checkpoint.offset, item.checkpoint.position)
        if place == (resumed.offset, resumed.position):
            return True
        self._consumer.seek_to_beginning(kafka_partition)
        return False

    def _ours(self, partition: LogPartition, record: Any) -> LogItem | None:
        """None for what is not the relay's: it is in no log, so nothing is left out with it."""
        topic_id = self._topic_ids[partition.topic]
        envelope = self._reading.envelope(partition, topic_id, record)
        if envelope is None:
            return None
        checkpoint = Checkpoint(envelope.position, record.offset, topic_id)
        return LogItem(envelope, partition, checkpoint)

    def _same_topics(self) -> None:
        """A topic made anew under the same name would be read on at the old offset: start again
        instead.
        """
        # The client knows the ids of topics but has no public name for them.
        cluster = self._consumer._cluster
        for topic, known in self._topic_ids.items():
            now = cluster.topic_id(self._config.named(topic))
            if now is not None and str(now) != known:
                raise InconsistentTopicIdError(f"{topic} was made anew")

    def _still_a_member(self) -> None:
        """After two rebalances in quick succession the client (kafka-python 3.0.12) may take itself
        for a member and send no heartbeat: it then stood still for five minutes, twice in some
        thirty kills of a worker. A reader made anew joins anew.
        """
        heard = self._consumer._coordinator.heartbeat.last_receive
        if time.monotonic() - max(heard, self._opened) > SILENT_S:
            raise GroupSilent(self._name)

    def _partition(self, kafka_partition: TopicPartition) -> LogPartition:
        return LogPartition(self._config.logical(kafka_partition.topic), kafka_partition.partition)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, remember: Callable[[Iterable[TopicPartition]], None]) -> None:
        self._remember = remember

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._remember(assigned)

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Nothing to hand over: each batch moved its checkpoint in its own transaction."""
