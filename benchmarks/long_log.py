"""A log of any length: analyses with Zipf-like many events each, many of them open at a time."""

from __future__ import annotations

import random
from collections.abc import Iterator

import psycopg

from benchmarks.bulk import append_all
from benchmarks.laboratory import CODE, REASON, SHA256
from events.claims import Claim
from events.ids import AnalysisId, AssetId, CommandId, CorrelationId, EventId, WorkspaceId
from events.model import Event
from events.store.pending import Append, PendingEvent
from events.times import utc_now
from events.vault.analysis import AnalysisAttemptFailed, AnalysisRequested

OPEN_STREAMS = 1_000
EVENTS_A_GROUP = 2_000
MAX_EVENTS_A_COMMAND, MAX_EVENTS_A_STREAM = 8, 400
# Half of all streams are no longer: 4 × 2^(1/1.2).
MEDIAN_EVENTS_A_STREAM = 7
WORKSPACE, ANY_ANALYSIS = WorkspaceId.new(), AnalysisId.new()
ANY_ATTEMPT = 424_242
INPUT = b"i" * 32


class LongLog:
    """`fill()` appends through the real append function, `median_streams` are for loading."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311
        self._open = [self._opened() for _ in range(OPEN_STREAMS)]
        self.median_streams: list[str] = []

    def fill(self, url: str, events: int) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            append_all(connection, self._groups(events))

    def _groups(self, events: int) -> Iterator[list[Append]]:
        while events > 0:
            group: list[Append] = []
            room = min(EVENTS_A_GROUP, events)
            events -= room
            # One command each of streams chosen at random: a stream's rows lie far apart.
            for number in self._chance.sample(range(OPEN_STREAMS), OPEN_STREAMS):
                if room <= 0:
                    break
                group.append(self._next(number, room))
                room -= len(group[-1].events)
            events += room
            yield group

    def _next(self, number: int, room: int) -> Append:
        stream, reached, length = self._open[number]
        until = min(length, reached + self._chance.randint(1, min(MAX_EVENTS_A_COMMAND, room)))
        append = command(stream, reached + 1, until - reached)
        if until == length:
            if length == MEDIAN_EVENTS_A_STREAM:
                self.median_streams.append(stream)
            self._open[number] = self._opened()
        else:
            self._open[number] = (stream, until, length)
        return append

    def _opened(self) -> tuple[AnalysisId, int, int]:
        length = int(4 * self._chance.paretovariate(1.2))
        return AnalysisId.new(), 0, min(length, MAX_EVENTS_A_STREAM)


def command(stream: str, first_version: int, count: int) -> Append:
    """`count` events of one analysis: requested (at first with a claim), failed, requested, …"""
    now = utc_now()
    events = []
    for version in range(first_version, first_version + count):
        model, data = _TEMPLATES[(version - 1) % 2]
        events.append(
            PendingEvent(
                event_id=EventId.new(),
                stream_id=stream,
                stream_version=version,
                category=model.category,
                type=model.type,
                version=model.version,
                effective_at=now,
                # The number first: an id may hold its digits, one of a million does.
                data=data.replace(_NTH, b"%d" % (version // 2)).replace(_ANY, stream[4:].encode()),
                takes=(Claim("asset-content", stream[4:] * 2),) if version == 1 else (),
            )
        )
    return Append(
        command_id=CommandId.new(),
        input_hash=INPUT,
        actor=None,
        tenant=WORKSPACE,
        correlation_id=CorrelationId.new(),
        causation_id=None,
        events=tuple(events),
    )


def _template(event: Event) -> tuple[Event, bytes]:
    return event, event.model_dump_json().encode()


# Encoded once; a stream's events differ by its id and the attempt.
_ANY, _NTH = ANY_ANALYSIS[4:].encode(), str(ANY_ATTEMPT).encode()
_TEMPLATES = [
    _template(
        AnalysisRequested(
            analysis_id=ANY_ANALYSIS,
            asset_id=AssetId.beside(ANY_ANALYSIS),
            workspace_id=WORKSPACE,
            sha256=SHA256,
            attempt=ANY_ATTEMPT,
        )
    ),
    _template(
        AnalysisAttemptFailed(
            analysis_id=ANY_ANALYSIS,
            asset_id=AssetId.beside(ANY_ANALYSIS),
            workspace_id=WORKSPACE,
            attempt=ANY_ATTEMPT,
            code=CODE,
            reason=REASON,
        )
    ),
]
