"""What must hold: after every action, and once everything was delivered."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sagas.saga import Aborted, Ended, Happened, Refused, Retried, Skipped, Step, TimerFired
from sagas.vault.ingest import INGEST
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
    for stream_id in world.saga_ids:
        if stream := store.streams.get(stream_id):
            step = world.codec.events[stream[-1].event_id]
            live = step.state == "Ended" or stream_id in timed or stream_id in sending
            _must(live, f"{stream_id} is {step.state} and waits for nothing")
            if step.state == "Ended":
                _must(stream_id not in timed, f"{stream_id} has ended and left a timer")


def check_end(world: World) -> None:
    """Once everything was delivered."""
    applied = world.store.view.get("applied", ())
    seen = {"asset", "analysis", "ingest"}
    positions = {e.position for e in world.store.log if e.category in seen}
    _must(len(applied) == len(set(applied)), "the view applied an event twice")
    _must(set(applied) == positions, "the view lost an event")
    uploads = world.store.view.get("uploads", ())
    positions = {e.position for e in world.store.log if e.category == "asset"}
    _must(len(uploads) == len(set(uploads)), "the smaller view applied an event twice")
    _must(set(uploads) == positions, "the smaller view lost an event")
    for stream_id in world.saga_ids:
        if stream := world.store.streams.get(stream_id):
            _check_saga(world, stream_id, stream)


def _check_saga(world: World, stream_id: str, stream: list[Any]) -> None:
    store, steps = world.store, [world.codec.events[e.event_id] for e in stream]
    taken = Counter(step.input.reference for step in steps)
    _must(max(taken.values()) == 1, f"{stream_id} took an input twice")
    _check_against_the_table(world, stream_id, steps)
    ids = [command.command_id for step in steps for command in step.sent]
    _must(len(ids) == len(set(ids)), f"{stream_id} sent a command id twice")
    waiting = {r.command_id for r, *_ in store.commands.values() if r.stream_id == stream_id}
    _must(waiting <= set(ids), f"{stream_id} has a command on its way that no step sent")
    caused = Counter(e.causation_id for e in store.log if e.stream_id != stream_id)
    operated = {step.input.reference for step in steps if step.input.kind == "operator"}
    for envelope, step in zip(stream, steps, strict=True):
        # An operation's own event follows from the step that the operator saw.
        by_hand = sum(
            e.causation_id == envelope.event_id for e in store.log if e.stream_id in operated
        )
        done = caused[envelope.event_id] - by_hand
        _must(done <= len(step.sent), f"{stream_id}: a command was done twice")
    row = store.view.get(stream_id, {})
    _must(
        (row.get("state"), row.get("version")) == (steps[-1].state, len(steps)),
        f"{stream_id} looks different in its view",
    )


def _check_against_the_table(world: World, stream_id: str, steps: list[Any]) -> None:
    """The model: the saga's table alone, fed with the inputs in the order they were taken."""
    state: Any = None
    for step in steps:
        expected = _model(world, state, step)
        _must(expected is not None, f"{stream_id} stepped where its table does not")
        state = expected.state
        _must(
            INGEST.remember(state) == (step.state, step.memory)
            and {c.name for c in step.sent} <= {type(c).__name__ for c in expected.send}
            and [t.token for t in step.timers] == [t.token for t in expected.wait],
            f"{stream_id} took another step than its table says",
        )


def _model(world: World, state: Any, step: Any) -> Any:
    match step.input.kind, step.input.name:
        case "event", _:
            return INGEST.react(state, Happened(world.codec.events[step.input.reference]))
        case "timer", token:
            return INGEST.react(state, TimerFired(token))
        case "refusal", command:
            return INGEST.react(state, Refused(command, "", ""))
        case "operator", "retry":
            return INGEST.react(state, Retried())
        case "operator", "skip":
            return INGEST.react(state, Skipped())
        case "operator", "abort":
            assert Aborted
            return Step(Ended("aborted"), send=INGEST.undo(state) or ())
    raise Broken(f"an input of an unknown kind: {step.input}")


def _must(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Broken(otherwise)
