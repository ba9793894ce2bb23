"""Every field of the envelope can be had from Kafka alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from events.envelope import Envelope
from events.log.records import from_record, source_of, to_record

texts = st.text(min_size=1, max_size=40)
moments = st.datetimes(
    min_value=datetime(1970, 1, 1), max_value=datetime(9999, 1, 1), timezones=st.just(UTC)
)
envelopes = st.builds(
    Envelope,
    position=st.integers(1, 2**63 - 1),
    event_id=texts,
    stream_id=texts,
    stream_version=st.integers(1, 2**63 - 1),
    category=st.sampled_from(["asset", "analysis"]),
    type=texts,
    version=st.integers(1, 2**31 - 1),
    recorded_at=moments,
    effective_at=moments,
    actor=st.none() | texts,
    tenant=texts,
    correlation_id=texts,
    causation_id=st.none() | texts,
    command_id=texts,
    hash=st.binary(min_size=32, max_size=32),
    data=st.dictionaries(texts, texts).map(lambda data: json.dumps(data).encode()),
)


@given(envelopes)
def test_there_and_back_is_the_same_envelope(envelope: Envelope):
    record = to_record(envelope, source_of("log_1", 1))
    assert from_record(record.topic, record.value, record.headers) == envelope
    assert record.key == envelope.stream_id.encode()
    assert record.value == envelope.data


@given(envelopes)
def test_the_headers_are_those_of_the_contract_and_nothing_has_none(envelope: Envelope):
    headers = dict(to_record(envelope, "/noculture/log_1/3").headers)
    optional = {"ce_actor": envelope.actor, "ce_causationid": envelope.causation_id}
    assert set(headers) == {
        "content-type", "ce_specversion", "ce_id", "ce_type", "ce_source", "ce_subject", "ce_time",
        "ce_dataschema", "ce_eventversion", "ce_position", "ce_streamversion", "ce_effectiveat",
        "ce_tenant", "ce_correlationid", "ce_commandid", "ce_hash",
    } | {name for name, value in optional.items() if value is not None}  # fmt: skip
    assert headers["content-type"] == b"application/json"
    assert headers["ce_source"] == b"/noculture/log_1/3"
    assert headers["ce_hash"].decode() == envelope.hash.hex()
