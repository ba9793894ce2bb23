"""The store against a dict: whatever sequence of appends and reads, both say the same.

The model is the whole meaning of an append in plain Python. Where several reasons to refuse hold
at once the store may name any of them, so a verdict is one of a set.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import psycopg
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from events.claims import Claim
from events.envelope import Envelope
from events.errors import NoCultureError
from events.ids import AccountId, AssetId, KeyId, WorkspaceId
from events.store.log import PostgresLog
from events.store.pending import (
    Append,
    ClaimNotHeld,
    ClaimTaken,
    Committed,
    ForeignStream,
    InputMismatch,
    PendingEvent,
    VersionConflict,
)
from events.store.verify import verify
from events.times import parse_rfc3339
from tests.conftest import Database
from tests.integration.store.conftest import append_of, pending

TENANTS = [WorkspaceId.new() for _ in range(2)]
STREAMS = [AssetId.new(), AssetId.new(), AccountId.new(), KeyId.new()]
CATEGORY = {"ast": "asset", "acc": "account", "key": "key"}
TYPES = ["made", "changed"]
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def some_claim(chance: Random) -> Claim:
    key = chance.choice("ab")
    since = NOON + timedelta(hours=chance.randrange(5))
    return chance.choice(
        [
            Claim("handle", key, "global"),
            Claim("content", key, "workspace"),
            Claim("hours", key, since=since, until=since + timedelta(hours=chance.randint(1, 3))),
        ]
    )


@dataclass
class Stored:
    append: Append
    event: PendingEvent
    position: int

    def as_read(self) -> tuple[Any, ...]:
        e, a = self.event, self.append
        return (
            *(self.position, e.event_id, e.stream_id, e.stream_version, e.category, e.type),
            *(e.version, e.effective_at, a.actor, a.tenant, a.correlation_id, a.causation_id),
            *(a.command_id, e.data),
        )


def as_read(envelope: Envelope) -> tuple[Any, ...]:
    e = envelope
    return (
        *(e.position, e.event_id, e.stream_id, e.stream_version, e.category, e.type, e.version),
        *(e.effective_at, e.actor, e.tenant, e.correlation_id, e.causation_id, e.command_id),
        e.data,
    )


Key = tuple[str, str, str]


@dataclass
class Model:
    """What the log means: events in order, who holds what, what was answered."""

    events: list[Stored] = field(default_factory=list)
    claims: list[tuple[Key, Claim, str]] = field(default_factory=list)
    answers: dict[str, tuple[bytes, Committed]] = field(default_factory=dict)

    def version(self, stream: str) -> int:
        return sum(stored.event.stream_id == stream for stored in self.events)

    def tenant(self, stream: str) -> str | None:
        return next((s.append.tenant for s in self.events if s.event.stream_id == stream), None)

    def refusals(self, append: Append) -> set[tuple[Any, ...]]:
        """Every reason to refuse of the first kind that holds; empty when it is to be committed."""
        first: dict[str, int] = {}
        for event in append.events:
            first.setdefault(event.stream_id, event.stream_version)
        wrong: set[tuple[Any, ...]] = set()
        for stream, version in first.items():
            if self.tenant(stream) not in (None, append.tenant):
                wrong.add((ForeignStream,))
            elif self.version(stream) != version - 1:
                wrong.add((VersionConflict, self.version(stream)))
        held = {(key, claim, stream) for key, claim, stream in self.claims}
        released: set[tuple[Key, Claim, str]] = set()
        taken: set[tuple[Any, ...]] = set()
        for event in append.events:
            released |= {(key_of(c, append), c, event.stream_id) for c in event.releases}
            # Released by a later event is still held: the claims are a fold in order.
            taken |= {
                (ClaimTaken, claim.kind, claim.key, holder, there.until)
                for claim in event.takes
                for key, there, holder in held - released
                if key == key_of(claim, append) and overlap(claim, there)
            }
        return wrong or ({(ClaimNotHeld,)} if released - held else set()) or taken

    def commit(self, append: Append, answer: Committed) -> None:
        position = answer.position - len(append.events)
        for event in append.events:
            position += 1
            self.events.append(Stored(append, event, position))
        for event in append.events:
            for claim in event.releases:
                self.claims.remove((key_of(claim, append), claim, event.stream_id))
        for event in append.events:
            for claim in event.takes:
                self.claims.append((key_of(claim, append), claim, event.stream_id))
        self.answers[append.command_id] = (append.input_hash, answer)


def key_of(claim: Claim, append: Append) -> Key:
    return claim.kind, "" if claim.scope == "global" else append.tenant, claim.key


def overlap(one: Claim, other: Claim) -> bool:
    if one.since is None or other.since is None:
        return True
    assert one.until is not None
    assert other.until is not None
    return one.since < other.until and other.since < one.until


def said(verdict: Exception) -> tuple[Any, ...]:
    match verdict:
        case VersionConflict():
            return VersionConflict, verdict.current
        case ClaimTaken():
            until = parse_rfc3339(verdict.until) if verdict.until else None
            return ClaimTaken, verdict.kind, verdict.key, verdict.holder, until
        case _:
            return (type(verdict),)


class StoreMachine(RuleBasedStateMachine):
    def __init__(self, log: PostgresLog, owner: psycopg.Connection, app_url: str) -> None:
        super().__init__()
        self.log, self.owner, self.app_url, self.model = log, owner, app_url, Model()
        owner.execute("TRUNCATE events, commands, claims")

    # Seeds, not strategies: drawn values favour refusals so much that claims were never released.
    @rule(seeds=st.lists(st.integers(0, 2**32), min_size=1, max_size=4), together=st.booleans())
    def append(self, seeds: list[int], together: bool) -> None:
        """A group: in one call, or each from a thread of its own through the group commit."""
        appends: list[Append] = []
        for seed in seeds:
            append = self.some_append(Random(seed))
            if all(append.exclusive.isdisjoint(other.exclusive) for other in appends):
                appends.append(append)
        expected = {append.command_id: self.expected(append) for append in appends}
        verdicts = self.in_one_call(appends) if together else self.in_threads(appends)
        committed = []
        for append, verdict in zip(appends, verdicts, strict=True):
            allowed = expected[append.command_id]
            if isinstance(verdict, Committed) and not verdict.replayed:
                assert allowed == set()
                committed.append((verdict, append))
            elif isinstance(verdict, Committed):
                assert allowed == {("replayed", *answer_of(verdict))}
            else:
                assert said(verdict) in allowed
        for verdict, append in sorted(committed, key=lambda each: each[0].position):
            first = append.events[0].stream_id
            versions = [e.stream_version for e in append.events if e.stream_id == first]
            assert (verdict.stream_id, verdict.stream_version) == (first, versions[-1])
            assert verdict.position == len(self.model.events) + len(append.events)
            self.model.commit(append, verdict)

    @precondition(lambda self: self.model.events)
    @rule(
        after=st.integers(0, 30),
        limit=st.integers(1, 20),
        categories=st.none() | st.lists(st.sampled_from([*CATEGORY.values()]), max_size=2),
        types=st.none() | st.lists(st.sampled_from(["asset.made", "key.changed"]), max_size=2),
        stream=st.none() | st.sampled_from(STREAMS),
        tenant=st.none() | st.sampled_from(TENANTS),
        up_to=st.none() | st.integers(0, 30),
    )
    def read(self, after, limit, categories, types, stream, tenant, up_to) -> None:
        found = self.log.events.after(
            after,
            limit,
            categories=categories,
            types=types,
            stream_id=stream,
            tenant=tenant,
            up_to=up_to,
        )
        wanted = [
            stored.as_read()
            for stored in self.model.events
            if stored.position > after
            and (up_to is None or stored.position <= up_to)
            and (categories is None or stored.event.category in categories)
            and (types is None or stored.event.type in types)
            and stream in (None, stored.event.stream_id)
            and tenant in (None, stored.append.tenant)
        ]
        assert [as_read(envelope) for envelope in found] == wanted[:limit]

    @rule(stream=st.sampled_from(STREAMS), after=st.integers(0, 6), desc=st.booleans())
    def read_stream(self, stream: str, after: int, desc: bool) -> None:
        found = self.log.events.stream(stream, after_version=after, newest_first=desc)
        wanted = [s.as_read() for s in self.model.events if s.event.stream_id == stream][after:]
        assert [as_read(envelope) for envelope in found] == (wanted[::-1] if desc else wanted)

    def teardown(self) -> None:
        verified = verify(self.owner)
        assert verified.ok, verified
        assert verified.events == len(self.model.events) == self.log.events.head()

    def some_append(self, chance: Random) -> Append:
        """Mostly what could be committed, sometimes stale, a stranger's, or said before."""
        streams = [chance.choice(STREAMS) for _ in range(chance.choice([1, 1, 2, 4]))]
        home = self.model.tenant(streams[0]) or chance.choice(TENANTS)
        stranger = next(t for t in TENANTS if t != home)
        tenant = stranger if chance.random() < 0.05 else home
        if chance.random() < 0.9:
            streams = [s for s in streams if self.model.tenant(s) in (None, tenant)] or streams[:1]
        error = chance.choice([-1, 1, 5]) if chance.random() < 0.1 else 0
        versions: dict[str, int] = {}
        moved: set[tuple[str, str, str]] = set()
        events = []
        for stream in streams:
            versions[stream] = versions.get(stream, self.model.version(stream) + error) + 1
            held = [claim for _, claim, holder in self.model.claims if holder == stream]
            releases = [chance.choice(held)] if held and chance.random() < 0.4 else []
            releases += [some_claim(chance)] if chance.random() < 0.03 else []
            takes = [some_claim(chance)] if chance.random() < 0.5 else []
            event = pending(
                stream,
                versions[stream],
                takes=tuple(c for c in takes if first_time(moved, "take", c)),
                releases=tuple(c for c in releases if first_time(moved, "release", c)),
                data=b"%d" % chance.randrange(1000),
            )
            category = CATEGORY[stream[:3]]
            events.append(
                replace(event, category=category, type=f"{category}.{chance.choice(TYPES)}")
            )
        answered = list(self.model.answers)
        command = chance.choice(answered) if answered and chance.random() < 0.15 else None
        return append_of(
            *events,
            command=command,
            input=b"other" if chance.random() < 0.3 else b"one",
            tenant=tenant,
        )

    def expected(self, append: Append) -> set[tuple[Any, ...]]:
        if append.command_id not in self.model.answers:
            return self.model.refusals(append)
        input_hash, answer = self.model.answers[append.command_id]
        same = input_hash == append.input_hash
        return {("replayed", *answer_of(answer))} if same else {(InputMismatch,)}

    def in_one_call(self, appends: list[Append]) -> list[Committed | Exception]:
        with psycopg.connect(self.app_url) as connection:
            return self.log.append_in(connection, appends)

    def in_threads(self, appends: list[Append]) -> list[Committed | Exception]:
        def one(append: Append) -> Committed | Exception:
            try:
                return self.log.append(append)
            except NoCultureError as refusal:
                return refusal

        with ThreadPoolExecutor(len(appends)) as threads:
            return list(threads.map(one, appends))


def first_time(moved: set[tuple[str, str, str]], way: str, claim: Claim) -> bool:
    move = (way, claim.kind, claim.key)
    if move in moved:
        return False
    moved.add(move)
    return True


def answer_of(committed: Committed) -> tuple[str, int, int]:
    return committed.stream_id, committed.stream_version, committed.position


@pytest.fixture
def owner(database: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        yield connection


def test_the_store_is_what_the_model_says(
    database: Database, log: PostgresLog, owner: psycopg.Connection
):
    run_state_machine_as_test(
        lambda: StoreMachine(log, owner, database.app_url),
        settings=settings(max_examples=30, stateful_step_count=15, deadline=None),
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_so_it_is_through_a_long_life(
    database: Database, log: PostgresLog, owner: psycopg.Connection, seed: int
):
    """Hypothesis keeps its runs short; long ones get crowded: claims held, versions high."""
    chance, machine = Random(seed), StoreMachine(log, owner, database.app_url)
    for _ in range(150):
        seeds = [chance.randrange(2**32) for _ in range(chance.randint(1, 4))]
        machine.append(seeds=seeds, together=chance.random() < 0.5)
    machine.teardown()
    assert len(machine.model.events) > 100
