"""Turns intent events into rows of work, in the batch's own transaction: wanted exactly once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from events.envelope import Recorded
from events.money import MovesMoney
from processors.consumers.consumer import Connection, Consumer
from processors.effects.effect import Intents
from processors.wake import CHANNEL, Wake


def _money_of(event: Recorded) -> str | None:
    return event.data.money_of if isinstance(event.data, MovesMoney) else None


def all_alike(event: Recorded) -> int:
    return 0


class EffectConsumer(Consumer):
    """`rank` says what goes first among the waiting work: the lowest. `money` is
    `Consumer.money`.
    """

    kind = "processor"
    rest_s = 0.05

    def __init__(
        self,
        name: str,
        effects: Sequence[Intents],
        due: Wake,
        rank: Callable[[Recorded], int] = all_alike,
        *,
        money: bool = False,
    ) -> None:
        self.name, self.money = name, money
        self.categories = tuple(sorted({c for effect in effects for c in effect.categories}))
        self.types = frozenset(intent.type for effect in effects for intent in effect.intents)
        self._effects, self._due, self._rank = effects, due, rank

    def apply(self, connection: Connection, events: Sequence[Recorded]) -> None:
        rows = [
            (
                *(effect.name, event.event_id, event.position),
                *(event.correlation_id, self._rank(event), bool(effect.outcomes)),
                *(_money_of(event), CHANNEL),
            )
            for event in events
            for effect in self._effects
            if effect.wants(event)
        ]
        if rows:
            connection.cursor().executemany(
                "INSERT INTO effects (effect, event_id, position, correlation_id, rank, kept,"
                " money_of) VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
                " RETURNING pg_notify(%s, effect)",
                rows,
            )

    def committed(self) -> None:
        self._due.set()
