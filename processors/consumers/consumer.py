"""The interface of a consumer of the log. The engine does the rest: order, checkpoints, retries,
parking.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

import psycopg

from events.envelope import Envelope, Recorded

Connection = psycopg.Connection[Any]
Kind = Literal["projection", "saga", "processor"]


class TryAgain(Exception):
    """Raised by a consumer: not this event's fault, roll the batch back and come again in a
    moment.
    """


class Consumer:
    """Subclass with the names below. One thread calls it; a batch may be called again after a
    roll-back, so keep nothing between `apply` and `committed` that `apply` does not set anew. A
    shallow copy is a consumer of its own: who is behind is brought up with one.

    `version` rises when what it writes changes; `money` consumers, and the one that rights hang on,
    stop at an event they cannot digest, the others park its stream. `batch_size` caps the events of
    one transaction. `types` are the event types that `apply` makes something of, None for all: it
    sees no others. `rest_s` is how long it rests after a batch that is not full: where nobody waits
    for a checkpoint, the events of a while make one batch.
    """

    name: str
    kind: Kind
    version: int = 1
    categories: tuple[str, ...]
    money: bool = False
    batch_size: int = 2_000
    types: frozenset[str] | None = None
    rest_s: float = 0.0

    def wants(self, event: Envelope) -> bool:
        return self.types is None or event.type in self.types

    def apply(self, connection: Connection, events: Sequence[Recorded]) -> None:
        """Write what the events mean, inside the batch's transaction. Never commit, never call
        outside.
        """
        raise NotImplementedError

    @classmethod
    def finish(cls, connection: Connection, consumers: Sequence[Self]) -> None:
        """The transaction's last statements, of all consumers of this class that were given
        something: sagas append here, at once, for the append takes the log lock.
        """

    def committed(self) -> None:
        """After the commit: wake whoever waits for what was appended."""
