"""Ways to break the product, to see that the simulator finds each: a check that cannot fail is
none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from commands.unit import CommandContext, Unit
from events.ids import CommandId
from events.store.pending import Append
from events.vault.analysis import AnalysisCompleted
from processors.consumers.checkpoints import Move
from processors.consumers.consumer import Consumer
from processors.consumers.group import Group
from processors.sagas.rows import DueTimer, TimerRow
from sagas.account.erasure import ERASURE
from sagas.saga import Happened, Input, Refused, Saga, Step
from sagas.vault.reanalysing import LOOK, REANALYSING, Feeding
from tests.offering import OFFERING
from tests.unit.simulator.memory import Log, MemoryGroup, Rows
from tests.unit.simulator.world import Obliging, World


class _AnyCheckpoint(MemoryGroup):
    def _swap(self, connection: Any, moves: Sequence[Move]) -> None:
        for move in moves:
            self._store.put(
                self._store.checkpoints, (move.consumer, move.partition), move.to.position
            )


class NoCompareAndSwap(World):
    """A checkpoint is set whatever it was."""

    def make_group(self, lane: str) -> Group:
        return _AnyCheckpoint(self.store, lane)


class NobodyIsBroughtUp(World):
    """Consumers that a fault has left apart go on together from where the furthest stands."""

    def _bring_up(self, worker: Any, consumer: Consumer, reached: Any, fronts: Any) -> None:
        for place, position in fronts.items():
            if place in reached:
                self.store.checkpoints[consumer.name, place] = position


class RandomCommandIds(World):
    """A command has another id each time it is sent."""

    def unit(self, context: CommandContext, *, input: object) -> Unit:
        again = CommandContext(
            *(context.actor, context.tenant, CommandId.new()),
            *(context.correlation_id, context.causation_id),
        )
        return super().unit(again, input=input)


class _Blind(Log):
    def _append(self, append: Append) -> Any:
        new: Counter[str] = Counter()
        for event in append.events:
            new[event.stream_id] += 1
            stored = len(self._store.streams.get(event.stream_id, ()))
            event.stream_version = stored + new[event.stream_id]
        return super()._append(append)


class NoVersionCheck(World):
    """A step is appended to whatever is there by now."""

    def make_log(self) -> Any:
        return _Blind(self.store)


class _OneVerdict(Log):
    def append_in(self, connection: object, appends: Sequence[Append]) -> list[Any]:
        verdicts = super().append_in(connection, appends)
        return verdicts[:1] * len(verdicts)


class OneVerdictForAll(World):
    """In the append that the sagas of a lane share the first one's verdict is taken for all."""

    def make_log(self) -> Any:
        return _OneVerdict(self.store)


class _Forgetful(Rows):
    def write(
        self, connection: Any, commands: Any, timers: Any, stepped: Any, ended: Any, now: Any
    ) -> None:
        super().write(connection, commands, [], stepped, ended, now)
        self._store.undo.append(None)
        super().write(connection, [], timers, {}, (), now)
        self._store.undo.pop()


class TimersOutsideTheTransaction(World):
    """Timers are set at once, and stay when the step is rolled back."""

    def make_rows(self) -> Any:
        return _Forgetful(self.store)


class _NoTimers(Rows):
    def write(
        self, connection: Any, commands: Any, timers: Sequence[TimerRow], *others: Any
    ) -> None:
        super().write(connection, commands, timers[:-1], *others)


class ATimerIsLost(World):
    def make_rows(self) -> Any:
        return _NoTimers(self.store)


def _lets_a_refusal_rest(state: Any, input: Input) -> Step | None:
    step = ERASURE.react(state, input)
    if step is not None and isinstance(input, Refused):
        return Step(step.state, send=step.send)
    return step


class ARefusedErasureRests(World):
    """A saga other than the ingest: what was refused is never asked for again."""

    def make_sagas(self) -> Mapping[str, Saga]:
        mutant = replace(ERASURE, react=_lets_a_refusal_rest)
        return {**super().make_sagas(), ERASURE.name: mutant}


def _counts_nothing(state: Any, input: Input) -> Step | None:
    match state, input:
        case Feeding(), Happened(AnalysisCompleted()):
            return Step(state, wait=(LOOK,))
        case _:
            return REANALYSING.react(state, input)


class AReanalysisNeverEnds(Obliging):
    """It looks every day whether its recordings were measured, and counts none."""

    def make_sagas(self) -> Mapping[str, Saga]:
        mutant = replace(REANALYSING, react=_counts_nothing)
        return {**super().make_sagas(), REANALYSING.name: mutant}


class Offers(World):
    """With the specimen of all that a saga says about time."""

    def make_sagas(self) -> Mapping[str, Saga]:
        return {**super().make_sagas(), OFFERING.name: OFFERING}


class _Dropping(Rows):
    def write(
        self, connection: Any, commands: Any, timers: Any, stepped: Any, ended: Any, now: Any
    ) -> None:
        super().write(connection, commands, timers, dict.fromkeys(stepped, ()), ended, now)


class KeptTimersAreLost(Offers):
    def make_rows(self) -> Any:
        return _Dropping(self.store)


class _Keeping(Rows):
    def write(
        self, connection: Any, commands: Any, timers: Any, stepped: Any, ended: Any, now: Any
    ) -> None:
        everything = {name: {token for _, token in self._store.timers} for name in stepped}
        super().write(connection, commands, timers, everything, ended, now)


class DroppedTimersStay(Offers):
    def make_rows(self) -> Any:
        return _Keeping(self.store)


class _LateRows(Rows):
    def take_due_timer(self, *arguments: Any) -> DueTimer | None:
        due = super().take_due_timer(*arguments)
        return due and replace(due, due_at=due.due_at + timedelta(seconds=1))


class AFiringKnowsAnotherTime(Offers):
    """It sees when it fired and not when it was due."""

    def make_rows(self) -> Any:
        return _LateRows(self.store)


class _Early(Rows):
    def forget_command(self, connection: Any, command_id: str) -> None:
        """Never: so that it is sent again for ever, which is harmless, as long as ids are ours."""


class CommandsAreNeverForgotten(World):
    """Not a fault: the same id is answered as before however often it is sent."""

    def make_rows(self) -> Any:
        return _Early(self.store)


MUTANTS = (
    NoCompareAndSwap,
    NobodyIsBroughtUp,
    RandomCommandIds,
    NoVersionCheck,
    OneVerdictForAll,
    TimersOutsideTheTransaction,
    ATimerIsLost,
    ARefusedErasureRests,
    KeptTimersAreLost,
    DroppedTimersStay,
    AFiringKnowsAnotherTime,
)
