"""Given, when, then: specifications of aggregates, sagas and projections that read as sentences.

given(AssetUploaded(…)).when(asset.reject, code="…", …).then(AssetRejected(…))
saga(INGEST).given(AssetUploaded(…)).when(timer("probe")).then_sends(RequestProbe(…))
projection(Vault()).given(AssetUploaded(…), …).then_rows({…}).in_any_interleaving()
"""

from __future__ import annotations

import json
import random
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import factorial, prod
from typing import Any

from aggregates.decision import Decision
from commands.command import Command
from events.claims import Claim
from events.envelope import Envelope, Recorded
from events.errors import NoCultureError
from events.ids import CommandId, CorrelationId, EventId
from events.model import Event
from processors.consumers.merging import Ways
from sagas.saga import (
    Aborted,
    Ended,
    Happened,
    Input,
    Refused,
    Retried,
    Saga,
    Skipped,
    Step,
    TimerFired,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
SOMEWHERE = "wsp_" + "0" * 32
MAX_INTERLEAVINGS = 300

Decide = Callable[..., Decision]


# --- aggregates ---------------------------------------------------------------------------------


def given(*past: Event) -> AggregatePast:
    """What happened in one stream, oldest first."""
    return AggregatePast(past)


@dataclass(frozen=True)
class AggregatePast:
    past: tuple[Event, ...]

    def when(self, decide: Decide, **arguments: Any) -> AggregateVerdict:
        """Ask the rule; the state is the fold of the past by the `evolve` beside it."""
        evolve = sys.modules[decide.__module__].evolve
        state = None
        for event in self.past:
            state = evolve(state, event)
        try:
            return AggregateVerdict(decide(state, **arguments))
        except NoCultureError as refusal:
            return AggregateVerdict(refusal)


@dataclass(frozen=True)
class AggregateVerdict:
    """The answer. Every `then…` returns it again, so that sentences may go on."""

    answer: Decision | NoCultureError

    @property
    def decision(self) -> Decision:
        assert isinstance(self.answer, Decision), f"was refused: {self.answer!r}"
        return self.answer

    def then(self, *events: Event) -> AggregateVerdict:
        """Exactly these events, in this order."""
        assert self.decision.events == events
        return self

    def then_nothing(self) -> AggregateVerdict:
        """No event and no claim moves."""
        assert self.decision == Decision()
        return self

    def then_refused(self, error: type[NoCultureError] | NoCultureError) -> AggregateVerdict:
        """This class of error; given as an instance, with the same words."""
        assert not isinstance(self.answer, Decision), f"was decided: {self.answer.events!r}"
        if isinstance(error, NoCultureError):
            assert (type(self.answer), str(self.answer)) == (type(error), str(error))
        else:
            assert type(self.answer) is error
        return self

    def taking(self, *claims: Claim) -> AggregateVerdict:
        assert self.decision.takes == claims
        return self

    def releasing(self, *claims: Claim) -> AggregateVerdict:
        assert self.decision.releases == claims
        return self


# --- sagas --------------------------------------------------------------------------------------


def happened(event: Event, at: datetime = START) -> Happened:
    return Happened(event, at)


def timer(token: str, at: datetime = START) -> TimerFired:
    return TimerFired(token, at)


def refused(command: type[Command], code: str = "not-found", reason: str = "It is gone") -> Refused:
    return Refused(command.stored_name, code, reason, START)


RETRIED, SKIPPED, ABORTED = Retried(START), Skipped(START), Aborted(START)


def saga(process: Saga) -> SagaPast:
    """A saga to which nothing has happened yet; `given = saga(INGEST).given` reads well."""
    return SagaPast(process)


@dataclass(frozen=True)
class SagaPast:
    process: Saga
    state: Any = None
    timers: frozenset[str] = frozenset()

    def given(self, *inputs: Input | Event) -> SagaPast:
        """Inputs taken so far; a bare event means that it happened."""
        past = self
        for each in inputs:
            step = self._react(past.state, each)
            if step is not None:
                past = SagaPast(self.process, step.state, past._waiting(each, step))
        return past

    def _waiting(self, input: Input | Event, step: Step) -> frozenset[str]:
        kept = self.timers if step.keep and not isinstance(step.state, Ended) else frozenset()
        if isinstance(input, TimerFired):
            kept -= {input.token}
        return kept | {timer.token for timer in step.wait}

    def when(self, input: Input | Event) -> SagaVerdict:
        step = self._react(self.state, input)
        return SagaVerdict(step, None if step is None else self._waiting(input, step))

    def _react(self, state: Any, input: Input | Event) -> Step | None:
        # Through the stored form, as the runtime does: a state that cannot be kept is no state.
        if state is not None:
            name, memory = self.process.remember(state)
            state = self.process.recall(name, json.loads(json.dumps(memory)))
        return self.process.react(state, happened(input) if isinstance(input, Event) else input)


@dataclass(frozen=True)
class SagaVerdict:
    step: Step | None
    timers: frozenset[str] | None

    @property
    def taken(self) -> Step:
        assert self.step is not None, "the saga did not react"
        return self.step

    def then_sends(self, *commands: Command) -> SagaVerdict:
        """Exactly these commands, in this order."""
        assert self.taken.send == commands
        return self

    def then_sends_nothing(self) -> SagaVerdict:
        assert self.taken.send == ()
        return self

    def then_waits(self, *tokens: str) -> SagaVerdict:
        """Exactly these timers are set from now on."""
        assert tuple(t.token for t in self.taken.wait) == tokens
        return self

    def then_waits_for(self, **when: float | datetime) -> SagaVerdict:
        """`then_waits_for(retry=5, expiry=END)`: these timers, in so many seconds or at a time."""
        assert {t.token: t.at or _seconds(t.after) for t in self.taken.wait} == when
        return self

    def then_keeps(self, *tokens: str) -> SagaVerdict:
        """These timers, set by steps before, go on; no others do."""
        assert (self.timers or frozenset()) - {t.token for t in self.taken.wait} == set(tokens)
        return self

    def then_is(self, state: Any) -> SagaVerdict:
        assert self.taken.state == state
        return self

    def then_nothing(self) -> SagaVerdict:
        """The input changes nothing: no step is stored, timers stay as they are."""
        assert self.step is None, f"the saga stepped to {self.step}"
        return self


def _seconds(delay: timedelta | None) -> float:
    assert delay is not None
    return delay.total_seconds()


# --- projections --------------------------------------------------------------------------------


class MemoryRows:
    """`projections.projection.Rows` without a database: one change after another."""

    def __init__(self) -> None:
        self.by_key: dict[Any, dict[str, Any]] = {}
        self._ways = Ways()

    def upsert(self, key: Any, **columns: Any) -> None:
        for name in columns:
            self._ways.claim(name, None)
        self.by_key.setdefault(key, {}).update(columns)

    def add(self, key: Any, **amounts: Any) -> None:
        self._ways.merge_into(self.by_key.setdefault(key, {}), self._ways.sums(amounts))

    def max(self, key: Any, **values: Any) -> None:
        self._ways.merge_into(self.by_key.setdefault(key, {}), self._ways.greatest(values))

    def delete(self, key: Any) -> None:
        self.by_key.pop(key, None)

    def delete_prefix(self, *leading: Any) -> None:
        assert leading, "nothing to begin with would be all rows"
        for key in list(self.by_key):
            if (key if isinstance(key, tuple) else (key,))[: len(leading)] == leading:
                del self.by_key[key]


def recorded(
    event: Event, position: int = 1, stream_version: int = 1, stream_id: str | None = None
) -> Recorded:
    """An event as a reader gets it; the stream and workspace are the ones it names itself."""
    named = event.model_dump(mode="json")
    stream = stream_id or named.get(f"{event.category}_id") or named.get("asset_id")
    assert stream, f"{event.type} names no stream: hand in recorded(…, stream_id=…)"
    moment = START + timedelta(seconds=position)
    envelope = Envelope(
        position=position,
        event_id=EventId.derived("event", position),
        stream_id=stream,
        stream_version=stream_version,
        category=event.category,
        type=event.type,
        version=event.version,
        recorded_at=moment,
        effective_at=moment,
        actor=None,
        tenant=named.get("workspace_id") or SOMEWHERE,
        correlation_id=CorrelationId.derived("correlation"),
        causation_id=None,
        command_id=CommandId.derived("command", position),
        hash=b"\x00" * 32,
        data=event.model_dump_json().encode(),
    )
    return Recorded(envelope, event)


def history(*events: Event | Recorded) -> list[Recorded]:
    """Events with positions from 1, versions counted per stream; a `Recorded` keeps its stream."""
    versions: dict[str, int] = defaultdict(int)
    log: list[Recorded] = []
    for position, each in enumerate(events, 1):
        data = each.data if isinstance(each, Recorded) else each
        stream_id = each.stream_id if isinstance(each, Recorded) else None
        entry = recorded(data, position, 1, stream_id)
        versions[entry.stream_id] += 1
        log.append(recorded(data, position, versions[entry.stream_id], entry.stream_id))
    return log


def projection(view: Any) -> ProjectionPast:
    """A view, as an instance of its class, before the first event."""
    return ProjectionPast(view)


@dataclass(frozen=True)
class ProjectionPast:
    view: Any
    log: list[Recorded] = field(default_factory=list)

    def given(self, *events: Event | Recorded) -> ProjectionPast:
        """The log, in position order; positions start at 1, one second apart from `START`."""
        return ProjectionPast(self.view, history(*events))

    def rows(self, order: Iterable[Recorded] | None = None) -> dict[Any, dict[str, Any]]:
        rows = MemoryRows()
        for event in self.log if order is None else order:
            if event.envelope.category in self.view.categories:
                self.view.fold(rows, event)
        return rows.by_key

    def then_rows(self, expected: dict[Any, dict[str, Any]]) -> ProjectionPast:
        """These rows and no others; of each row the named columns."""
        found = self.rows()
        assert found.keys() == expected.keys()
        for key, columns in expected.items():
            assert {name: found[key].get(name) for name in columns} == columns
        return self

    def then_row(self, key: Any, **columns: Any) -> ProjectionPast:
        """One row among others, its named columns."""
        found = self.rows().get(key)
        assert found is not None, f"no row {key}"
        assert {name: found.get(name) for name in columns} == columns
        return self

    def then_no_rows(self) -> ProjectionPast:
        assert self.rows() == {}
        return self

    def in_any_interleaving(self) -> ProjectionPast:
        """However the streams interleave, each in its own order, the rows are the same.

        All interleavings when they are few, else MAX_INTERLEAVINGS drawn with a fixed seed.
        """
        expected = _comparable(self.rows())
        for order in interleavings(self.log):
            assert _comparable(self.rows(order)) == expected, [e.type for e in order]
        return self


def interleavings(log: Sequence[Recorded], seed: int = 20260101) -> Iterator[list[Recorded]]:
    """Orders in which a reader of many partitions may get these events."""
    streams: dict[str, list[Recorded]] = defaultdict(list)
    for event in log:
        streams[event.stream_id].append(event)
    queues = list(streams.values())
    if factorial(len(log)) // prod(factorial(len(q)) for q in queues) <= MAX_INTERLEAVINGS:
        yield from _merges(queues)
        return
    draw = random.Random(seed)
    lanes = [stream for stream, events in streams.items() for _ in events]
    for _ in range(MAX_INTERLEAVINGS):
        waiting = {stream: iter(events) for stream, events in streams.items()}
        yield [next(waiting[stream]) for stream in draw.sample(lanes, len(lanes))]


def _merges(queues: Sequence[Sequence[Recorded]]) -> Iterator[list[Recorded]]:
    if not any(queues):
        yield []
    for index, queue in enumerate(queues):
        if queue:
            rest = [*queues[:index], queue[1:], *queues[index + 1 :]]
            yield from ([queue[0], *later] for later in _merges(rest))


def _comparable(rows: dict[Any, dict[str, Any]]) -> dict[Any, dict[str, Any]]:
    """A column that was never written is null in the table, as one written with None."""
    return {k: {c: v for c, v in row.items() if v is not None} for k, row in rows.items()}
