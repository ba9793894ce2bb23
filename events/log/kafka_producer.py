"""kafka-python's transactional producer, with a bound on everything that waits."""

from __future__ import annotations

from contextlib import suppress

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError

CLOSE_S = 2.0


class TransactionalProducer(KafkaProducer):  # type: ignore[misc]
    """kafka-python 3.0.12 waits for a commit without end, where Java's client stops after
    `max.block.ms`; and its `close(0)` raises while records are on their way, leaving thread and
    connections behind. Mending both needs names that are not public.
    """

    def commit_transaction(self) -> None:
        """Raises KafkaTimeoutError after `max_block_ms`: then nobody knows whether it did."""
        committed = self._transaction_manager.begin_commit()
        self._sender.wakeup()
        if not committed.wait(timeout_ms=self.config["max_block_ms"]):
            raise KafkaTimeoutError("the broker did not say whether it committed")

    def abandon(self) -> None:
        """End at once; what was not committed the next producer of this id aborts."""
        self._sender.force_close()
        self._sender.join(CLOSE_S)
        with suppress(KafkaError):
            self.close(timeout=0)
