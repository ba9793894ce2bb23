"""What is sent to the append is what is hashed: one encoding for the frame and for the columns."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import psycopg
from hypothesis import given
from hypothesis import strategies as st
from psycopg.adapt import Transformer
from psycopg.pq import Format

from events.claims import Claim, claims_bytes
from events.envelope import frame
from events.store.pending import Append, PendingEvent
from events.store.wire import Bigints, Texts, encode

texts = st.text(
    st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), min_size=1, max_size=40
)
moments = st.datetimes(datetime(1970, 1, 1), datetime(2300, 1, 1), timezones=st.just(UTC))
claims = st.lists(st.builds(Claim, texts, texts), max_size=2).map(tuple)
events = st.builds(
    PendingEvent,
    event_id=texts,
    stream_id=texts,
    stream_version=st.integers(1, 2**62),
    category=texts,
    type=texts,
    version=st.integers(1, 2**31 - 1),
    effective_at=moments,
    data=st.binary(max_size=200),
    takes=claims,
    releases=claims,
)
appends = st.builds(
    Append,
    command_id=texts,
    input_hash=st.binary(max_size=32),
    actor=st.none() | texts,
    tenant=texts,
    correlation_id=texts,
    causation_id=st.none() | texts,
    events=st.lists(events, min_size=1, max_size=4).map(tuple),
)


@given(appends)
def test_the_leaf_is_the_hash_of_the_frame(append: Append):
    for event, encoded in zip(append.events, encode(append).events, strict=True):
        leaf = hashlib.sha256(
            frame(
                event_id=event.event_id,
                stream_id=event.stream_id,
                stream_version=event.stream_version,
                category=event.category,
                type=event.type,
                version=event.version,
                effective_at=event.effective_at,
                actor=append.actor,
                tenant=append.tenant,
                correlation_id=append.correlation_id,
                causation_id=append.causation_id,
                command_id=append.command_id,
                input_hash=append.input_hash,
                claims=claims_bytes(event.takes, event.releases),
                data=event.data,
            )
        ).digest()
        assert encoded[-1] == len(leaf).to_bytes(4, "big") + leaf


@given(appends)
def test_the_answer_is_the_first_stream_at_its_last_version(append: Append):
    first = append.events[0].stream_id
    last = [e.stream_version for e in append.events if e.stream_id == first][-1]
    assert encode(append).answer == (first, last)


def test_an_array_is_in_the_form_that_postgres_reads():
    assert Texts.of([]) == bytes.fromhex("00000000 00000000 00000019")
    two = Bigints.of([b"\x00\x00\x00\x08" + (7).to_bytes(8, "big"), b"\xff\xff\xff\xff"])
    header, elements = two[:20], two[20:]
    assert header == bytes.fromhex("00000001 00000001 00000014 00000002 00000001")
    assert elements == bytes.fromhex("00000008 0000000000000007 ffffffff")


@given(st.none() | moments, st.none() | moments)
def test_a_claims_time_is_read_by_psycopg_as_it_was_meant(
    since: datetime | None, until: datetime | None
):
    append = Append(
        command_id="c",
        input_hash=b"",
        actor=None,
        tenant="t",
        correlation_id="r",
        causation_id=None,
        events=(
            PendingEvent(
                event_id="e",
                stream_id="s",
                stream_version=1,
                category="room",
                type="room.booked",
                version=1,
                effective_at=datetime(2026, 1, 1, tzinfo=UTC),
                data=b"",
                takes=(Claim("room", "k", since=since, until=until),),
            ),
        ),
    )
    ((_, (*_, during)),) = encode(append).claims
    if since is None and until is None:
        assert during == Texts.of([b"\xff\xff\xff\xff"])[-4:]
        return
    kind = psycopg.adapters.types["tstzrange"]
    read = Transformer().get_loader(kind.oid, Format.BINARY).load(during[4:])
    assert (read.lower, read.upper) == (since, until)
    assert (read.lower_inc, read.upper_inc) == (since is not None, False)
