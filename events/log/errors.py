"""Errors between the store and Kafka. All of them are loud: nothing is skipped to get over them."""

from __future__ import annotations

from events.errors import NoCultureError

RECOVER = "if the store was restored from a backup run `./noculture log recover`"


class LogAhead(NoCultureError):
    """Kafka holds what the store does not."""

    status, code = 500, "log-ahead"

    def __init__(self, where: str, position: int, head: int) -> None:
        super().__init__(
            f"{where} is at position {position}, the store only at {head}: {RECOVER}; until then"
            " nothing is published"
        )


class LogDiffers(NoCultureError):
    """Kafka holds another event at a position, or another log."""

    status, code = 500, "log-differs"

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where} is not this store's log ({reason}): {RECOVER}")


class LogHole(NoCultureError):
    """The store misses an event between two that it has."""

    status, code = 500, "log-hole"

    def __init__(self, what: str, expected: int, found: int) -> None:
        super().__init__(
            f"{what}: {expected} was to come and {found} came; run `./noculture log verify`"
        )


class WrongPartitions(NoCultureError):
    """Somebody else made the topic: streams would land in other partitions."""

    status, code = 500, "wrong-partitions"

    def __init__(self, topic: str, found: int, wanted: int) -> None:
        super().__init__(
            f"Topic {topic} has {found} partitions, {wanted} are needed: delete it, it is refilled"
        )
