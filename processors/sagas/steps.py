"""Takes one step of a saga: pure, the same for the runtime and for its simulator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from events.envelope import Recorded
from events.ids import CommandId
from events.model import Event
from events.saga_step import SagaInput, SentCommand, SetTimer
from sagas.errors import NotAbortable, NothingToRetry, NotSkippable, SagaEnded, UnknownSaga
from sagas.saga import Aborted, Ended, Input, Retried, Saga, Skipped, Step


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
    """Where a saga stands: its state after `version` steps, and what the last one asked for."""

    state: Any = None
    version: int = 0
    sent: tuple[SentCommand, ...] = ()
    timers: tuple[SetTimer, ...] = ()


# (name, body) of a command that is still on its way.
Pending = tuple[str, dict[str, Any]]


def saga_progress(saga: Saga, newest: Recorded | None) -> SagaProgress:
    """From the newest event of the saga's stream."""
    if newest is None:
        return SagaProgress()
    step: Any = newest.data
    state = saga.recall(step.state, step.memory)
    return SagaProgress(state, newest.stream_version, step.sent, step.timers)


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
    state, commands, timers = wanted
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
            "input": SagaInput(kind=cause.kind, name=cause.name, reference=cause.reference),
            "state": name,
            "memory": memory,
            "sent": sent,
            "timers": timers,
        }
    )
    return SagaProgress(state, before.version + 1, sent, timers), stepped


def _react(
    saga: Saga, before: SagaProgress, input: Input, on_the_way: bool
) -> tuple[Any, list[Pending], tuple[SetTimer, ...]] | None:
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
        return before.state, [(c.name, c.body) for c in before.sent], before.timers
    return None


def _wanted(step: Step) -> tuple[Any, list[Pending], tuple[SetTimer, ...]]:
    commands = [(c.stored_name, c.model_dump(mode="json")) for c in step.send]
    timers = tuple(SetTimer(token=t.token, delay_s=t.delay_s) for t in step.wait)
    return step.state, commands, timers
