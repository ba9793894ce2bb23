"""Finds the consumer that holds up the others of its lane."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from processors.consumers.consumer import Connection, Consumer

# Who takes longer in so many small batches, one after the other, is too heavy for company.
HEAVY_S, TIMES, SMALL_BATCH = 0.05, 3, 500


class Scales:
    """Weighs the batches of one lane. Statements are only sent on, so where a batch was slow the
    answers of each consumer's are waited for in the next: else nobody could be named.
    """

    def __init__(self) -> None:
        self._took_s: dict[str, float] = {}
        self._heavy: dict[str, int] = {}
        self._exact = False

    @contextmanager
    def timed(self, connection: Connection, consumer: Consumer) -> Iterator[None]:
        began = time.monotonic()
        with connection.pipeline() if self._exact else nullcontext():
            yield
        self._took_s[consumer.name] = time.monotonic() - began

    def too_heavy(self, batch_s: float, items: int) -> str | None:
        """Tells who has been heavy for long enough; call it after every batch."""
        took_s, self._took_s = self._took_s, {}
        if items > SMALL_BATCH:
            return None
        self._exact = batch_s > HEAVY_S
        heavy = [name for name, each_s in took_s.items() if each_s > HEAVY_S]
        self._heavy = {name: self._heavy.get(name, 0) + 1 for name in heavy}
        return next((name for name, times in self._heavy.items() if times >= TIMES), None)
