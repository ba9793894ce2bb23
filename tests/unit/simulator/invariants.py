"""What must hold of every saga: after every action, and once everything was delivered."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from events.envelope import Envelope
from events.log.partitions import LogPartition
from events.times import parse_rfc3339, rfc3339
from sagas.saga import (
    Ended,
    Happened,
    Refused,
    Retried,
    Saga,
    Skipped,
    Step,
    Timer,
    TimerFired,
)
from tests.unit.simulator.lanes import VIEWED
from tests.unit.simulator.world import World


class Broken(AssertionError):
    """An invariant that does not hold."""


def check_moment(world: World, checkpoints: dict[Any, int]) -> None:
    """After every action; `checkpoints` is what they were before it, and is brought up to date."""
    store = world.store
    _must(not store.undo, "a transaction was left open")
    for key, position in store.checkpoints.items():
        _must(position >= checkpoints.get(key, 0), f"the checkpoint {key} went back")
    checkpoints.update(store.checkpoints)
    timed = {stream_id for stream_id, _ in store.timers}
    sending = {row.stream_id for row, *_ in store.commands.values()}
    for stream_id, stream in world.saga_streams():
        step = world.codec.events[stream[-1].event_id]
        live = step.state == "Ended" or stream_id in timed or stream_id in sending
        _must(live, f"{stream_id} is {step.state} and waits for nothing")
        if step.state == "Ended":
            _must(stream_id not in timed, f"{stream_id} has ended and left a timer")
    for stream_id, token in store.timers:
        steps = store.streams.get(stream_id)
        waits_for = _waits_for(world.codec.events[steps[-1].event_id]) if steps else ()
        _must(token in waits_for, f"{stream_id} has a timer {token} that it does not wait for")


def check_end(world: World) -> None:
    """Once everything was delivered."""
    _check_view(world, "applied", VIEWED)
    _check_view(world, "uploads", ("asset",))
    happened = _Happened(world)
    for name, saga in world.sagas.items():
        streams = {i: s for i, s in world.saga_streams() if s[0].type == saga.stepped.type}
        for stream_id in {*streams, *happened.watched[name]}:
            story = _Story(world, saga, stream_id, streams.get(stream_id, ()))
            story.check_against_the_table()
            story.check_inputs(happened)
            story.check_commands(happened)
            story.check_row()


def _check_view(world: World, name: str, categories: Sequence[str]) -> None:
    applied = world.store.view.get(name, ())
    positions = {e.position for e in world.store.log if e.category in categories}
    _must(len(applied) == len(set(applied)), f"the view {name} applied an event twice")
    _must(set(applied) == positions, f"the view {name} lost an event")


class _Happened:
    """The log by what sagas have to do with it."""

    def __init__(self, world: World) -> None:
        # Event → where it is in the log.
        self.place: dict[str, tuple[LogPartition, int]] = {}
        for place, events in world.store.partitions.items():
            self.place.update((each.event_id, (place, each.position)) for each in events)
        self.at = {each.event_id: each.effective_at for each in world.store.log}
        # Saga → its stream → the events that it watches there.
        self.watched: dict[str, dict[str, list[Envelope]]] = {
            name: defaultdict(list) for name in world.sagas
        }
        # Step → the commands that were done because of it.
        self.done: dict[str, set[str]] = defaultdict(set)
        watchers = [(saga, {event.type for event in saga.watches}) for saga in world.sagas.values()]
        for envelope in world.store.log:
            if envelope.type in world.steps or envelope.category == "operation":
                continue
            if envelope.causation_id is not None:
                self.done[envelope.causation_id].add(envelope.command_id)
            for saga, types in watchers:
                if envelope.type in types:
                    event = world.codec.events[envelope.event_id]
                    if (stream_id := saga.stream_of(event)) is not None:
                        self.watched[saga.name][stream_id].append(envelope)


@dataclass
class _Story:
    """One saga's stream; `states` are those before each step, and the last."""

    world: World
    saga: Saga
    stream_id: str
    stream: Sequence[Envelope]
    steps: list[Any] = field(init=False)
    states: list[Any] = field(init=False)

    def __post_init__(self) -> None:
        self.steps = [self.world.codec.events[e.event_id] for e in self.stream]
        self.states = [None]

    def check_against_the_table(self) -> None:
        """The model: the saga's table alone, fed with the inputs in the order they were taken."""
        before: Any = None
        waiting: set[str] = set()
        for step in self.steps:
            state = self.states[-1]
            expected = self._model(state, step)
            if expected is not None:
                state = expected.state
                sent = [(c.stored_name, c.model_dump(mode="json")) for c in expected.send]
                timers = [_asked_for(timer) for timer in expected.wait]
                keep = expected.keep and not isinstance(state, Ended)
            else:
                waits = before is not None and not isinstance(state, Ended)
                self._must(waits and _is_retry(step), "stepped where its table does not")
                # A table that says nothing to it: the last commands again, and the same timers.
                sent = [(c.name, c.body) for c in before.sent]
                timers = [(t.token, t.delay_s, t.at) for t in before.timers]
                keep = True
            over = {token for token, *_ in timers}
            if step.input.kind == "timer":
                over.add(step.input.name)
            kept = waiting - over if keep else set()
            self._must(
                self.saga.remember(state) == (step.state, step.memory)
                and _as_said(step, sent)
                and [(t.token, t.delay_s, t.at) for t in step.timers] == timers
                and sorted(step.kept) == sorted(kept),
                "took another step than its table says",
            )
            self.states.append(state)
            before, waiting = step, _waits_for(step)

    def _model(self, state: Any, step: Any) -> Step | None:
        at = parse_rfc3339(step.input.at)
        match step.input.kind, step.input.name:
            case "event", _:
                happened = Happened(self.world.codec.events[step.input.reference], at)
                return self.saga.react(state, happened)
            case "timer", token:
                return self.saga.react(state, TimerFired(token, at))
            case "refusal", command:
                return self.saga.react(state, Refused(command, "", "", at))
            case "operator", "retry":
                return self.saga.react(state, Retried(at))
            case "operator", "skip":
                return self.saga.react(state, Skipped(at))
            case "operator", "abort":
                undo = self.saga.undo(state)
                return None if undo is None else Step(Ended("aborted"), send=undo)
        raise Broken(f"an input of an unknown kind: {step.input}")

    def check_inputs(self, happened: _Happened) -> None:
        """Each is taken once, and none is passed over that would have moved the saga."""
        taken = Counter(step.input.reference for step in self.steps)
        self._must(max(taken.values(), default=1) == 1, "took an input twice")
        due: dict[str, str] = {}
        for envelope, step in zip(self.stream, self.steps, strict=True):
            match step.input.kind:
                case "event":
                    own = rfc3339(happened.at[step.input.reference])
                case "timer":
                    own = due[step.input.name]
                case _:
                    own = rfc3339(envelope.effective_at)
            self._must(step.input.at == own, "took an input at another time than its own")
            for timer in step.timers:
                later = envelope.effective_at + timedelta(seconds=timer.delay_s)
                due[timer.token] = timer.at or rfc3339(later)
        for envelope in happened.watched[self.saga.name][self.stream_id]:
            if envelope.event_id not in taken:
                self._must(self._may_pass_over(envelope, happened), f"missed {envelope.type}")

    def _may_pass_over(self, envelope: Envelope, happened: _Happened) -> bool:
        """Whether it changes nothing in one of the states in which it may have been read: after
        the steps that were stored before it, and before the saga read on in the same partition.
        """
        first = sum(step.position < envelope.position for step in self.stream)
        place, position = happened.place[envelope.event_id]
        causes = (happened.place.get(step.input.reference) for step in self.steps)
        later = (i for i, at in enumerate(causes) if at and at[0] == place and at[1] > position)
        last = next(later, len(self.steps))
        event = Happened(self.world.codec.events[envelope.event_id], envelope.effective_at)
        return any(self.saga.react(s, event) is None for s in self.states[first : last + 1])

    def check_commands(self, happened: _Happened) -> None:
        ids = [command.command_id for step in self.steps for command in step.sent]
        self._must(len(ids) == len(set(ids)), "sent a command id twice")
        rows = self.world.store.commands.values()
        waiting = {row.command_id for row, *_ in rows if row.stream_id == self.stream_id}
        self._must(waiting <= set(ids), "has a command on its way that no step sent")
        for envelope, step in zip(self.stream, self.steps, strict=True):
            sent = {command.command_id for command in step.sent}
            self._must(happened.done[envelope.event_id] <= sent, "did what no step sent")

    def check_row(self) -> None:
        row = self.world.store.view.get(self.stream_id, {})
        expected = (self.steps[-1].state, len(self.steps)) if self.steps else (None, None)
        self._must(
            (row.get("state"), row.get("version")) == expected, "looks different in its view"
        )

    def _must(self, holds: bool, otherwise: str) -> None:
        _must(holds, f"{self.saga.name} {self.stream_id} {otherwise}")


def _as_said(step: Any, sent: list[tuple[str, Any]]) -> bool:
    done = [(command.name, command.body) for command in step.sent]
    if _is_retry(step):
        # What is on its way is not sent beside itself.
        return all(command in sent for command in done)
    if step.input.kind == "refusal":
        # Its reason, which a command may quote, is no part of the step.
        return [name for name, _ in done] == [name for name, _ in sent]
    return done == sent


def _waits_for(step: Any) -> set[str]:
    return {*(timer.token for timer in step.timers), *step.kept}


def _asked_for(timer: Timer) -> tuple[str, float, str | None]:
    """As it is stored."""
    if timer.at is not None:
        return timer.token, 0.0, rfc3339(timer.at)
    assert timer.after is not None
    return timer.token, timer.after.total_seconds(), None


def _is_retry(step: Any) -> bool:
    return (step.input.kind, step.input.name) == ("operator", "retry")


def _must(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Broken(otherwise)
