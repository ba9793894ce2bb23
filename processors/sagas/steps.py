"""Takes one step of a saga: pure, the same for the runtime and for its simulator."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from events.envelope import Recorded
from events.ids import CommandId
from events.model import Event
from events.saga_step import SagaInput, SentCommand, SetTimer
from events.times import rfc3339
from sagas.errors import NotAbortable, NothingToRetry, NotSkippable, SagaEnded, UnknownSaga
from sagas.saga import Aborted, Ended, Input, Retried, Saga, Skipped, Step, Timer, TimerFired


@dataclass(frozen=True, slots=True)
class Cause:
    """The origin of an input: kind, name and reference, whose it is, what it followed from."""

    kind: str
    name: str
    reference: str
    tenant: str
    correlation_id: str
    causation_id: str | None


@dataclass(frozen=True, slots=True)
class SagaProgress:
    """Where a saga stands: its state after `version` steps, what the last one asked for, and which
    timers of earlier ones it `kept`.
    """

    state: Any = None
    version: int = 0
    sent: tuple[SentCommand, ...] = ()
    timers: tuple[SetTimer, ...] = ()
    kept: tuple[str, ...] = ()


# (name, body) of a command that is still on its way.
Pending = tuple[str, dict[str, Any]]


def saga_progress(saga: Saga, newest: Recorded | None) -> SagaProgress:
    """From the newest event of the saga's stream."""
    if newest is None:
        return SagaProgress()
    step: Any = newest.data
    state = saga.recall(step.state, step.memory)
    return SagaProgress(state, newest.stream_version, step.sent, step.timers, step.kept)


def take(
    saga: Saga,
    stream_id: str,
    before: SagaProgress,
    input: Input,
    cause: Cause,
    pending: tuple[Pending, ...] = (),
) -> tuple[SagaProgress, Event] | None:
    """(where it stands now, the step's event), or None for an input that changes nothing.

    A command that is `pending` is not sent beside itself. Raises, for what an operator may not do,
    UnknownSaga (404), SagaEnded, NotSkippable, NotAbortable or NothingToRetry (409).
    """
    wanted = _react(saga, before, input, bool(pending))
    if wanted is None:
        return None
    state, commands, timers, keep = wanted
    kept = tuple(_others(before, input, timers)) if keep else ()
    sent = tuple(
        SentCommand(
            # Deterministic: the same input taken twice sends the same commands, done once.
            command_id=CommandId.derived(saga.name, stream_id, cause.reference, index),
            name=name,
            body=body,
        )
        for index, (name, body) in enumerate(commands)
        if (name, body) not in pending
    )
    name, memory = saga.remember(state)
    stepped = saga.stepped.model_validate(
        {
            "input": SagaInput(
                kind=cause.kind,
                name=cause.name,
                reference=cause.reference,
                at=rfc3339(input.at),
            ),
            "state": name,
            "memory": memory,
            "sent": sent,
            "timers": timers,
            "kept": kept,
        }
    )
    return SagaProgress(state, before.version + 1, sent, timers, kept), stepped


# The state, the commands and the timers of a step, and whether all other timers stay.
_Wanted = tuple[Any, list[Pending], tuple[SetTimer, ...], bool]


def _react(saga: Saga, before: SagaProgress, input: Input, on_the_way: bool) -> _Wanted | None:
    operated = isinstance(input, Retried | Skipped | Aborted)
    if operated and before.state is None:
        raise UnknownSaga
    if operated and isinstance(before.state, Ended):
        raise SagaEnded(before.state.outcome)
    if isinstance(input, Aborted):
        undo = saga.undo(before.state)
        if undo is None:
            raise NotAbortable(saga.name)
        return _wanted(Step(Ended("aborted"), send=undo))
    step = saga.react(before.state, input)
    if step is not None:
        return _wanted(step)
    if isinstance(input, Skipped):
        raise NotSkippable(saga.name_of(before.state))
    if isinstance(input, Retried):
        if not before.sent and not on_the_way:
            raise NothingToRetry(saga.name_of(before.state))
        return before.state, [(c.name, c.body) for c in before.sent], before.timers, True
    return None


def _wanted(step: Step) -> _Wanted:
    commands = [(c.stored_name, c.model_dump(mode="json")) for c in step.send]
    keep = step.keep and not isinstance(step.state, Ended)
    return step.state, commands, tuple(_stored(timer) for timer in step.wait), keep


def _stored(timer: Timer) -> SetTimer:
    if timer.at is not None:
        return SetTimer(token=timer.token, delay_s=0, at=rfc3339(timer.at))
    assert timer.after is not None
    return SetTimer(token=timer.token, delay_s=timer.after.total_seconds())


def _others(before: SagaProgress, input: Input, timers: Iterable[SetTimer]) -> Iterable[str]:
    """The timers that go on: neither set anew nor just fired."""
    over = {timer.token for timer in timers}
    if isinstance(input, TimerFired):
        over.add(input.token)
    waiting = (*(timer.token for timer in before.timers), *before.kept)
    return (token for token in waiting if token not in over)
