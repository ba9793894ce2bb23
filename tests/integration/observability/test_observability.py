"""What operators see: traces by correlation id, figures, and logs that hold no person."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families

from events import tracing
from events.log.tail import LogTail
from runtime.app import build_app
from runtime.observability.logs import json_lines
from tests.conftest import Database
from tests.fixtures.spans import traced
from tests.integration.account.erasure.house import PASSWORD, House, eventually, open_house


@pytest.fixture
def house(database: Database, tmp_path: Path) -> Iterator[House]:
    with open_house(database, tmp_path) as opened:
        yield opened


# A lane's consumers are one step. The timeline rests between its batches: it may come last.
EXPECTED = {"POST /api/assets", "append", "consume projection", "consume timeline"}


def test_a_request_its_append_and_every_consumer_are_one_trace(
    house: House, spans: InMemorySpanExporter
) -> None:
    house.app = build_app(house.core, tail := LogTail(house.core.url))
    try:
        with house.worker():
            client = house.signed_up("traced@example.com")
            answer = client.post("/api/assets", files={"file": ("a.flac", b"some bytes")})
            position = int(answer.headers["Event-Position"])
            (uploaded,) = house.core.log.events.after(position - 1, 1)
            eventually(lambda: traced(spans, uploaded.correlation_id).keys() >= EXPECTED)
    finally:
        tail.close()
    assert uploaded.correlation_id[4:] == answer.headers["X-Request-ID"][4:]
    found = traced(spans, uploaded.correlation_id)
    assert {span.context.trace_id for span in found.values()} == {
        int(uploaded.correlation_id[4:], 16)
    }
    request = found["POST /api/assets"]
    # FastAPI puts a span of its own between; what the saga appends hangs on the trace itself.
    parents = {span.context.span_id: span.parent for span in spans.get_finished_spans()}
    appended = [s.parent for s in spans.get_finished_spans() if s.name == "append" and s.parent]
    above = {parent.span_id for parent in map(parents.get, [a.span_id for a in appended]) if parent}
    assert request.context.span_id in above
    assert request.attributes is not None
    assert request.attributes["http.response.status_code"] == 202


def test_nothing_is_traced_while_no_collector_is_named(
    house: House, exporter: InMemorySpanExporter
) -> None:
    exporter.clear()
    house.signed_up("untraced@example.com")
    # A library's own spans need no more than the provider that this process has for other tests.
    ours = [s for s in exporter.get_finished_spans() if "correlation_id" in (s.attributes or {})]
    assert ours == []
    assert not any(m.cls.__name__ == "TraceRequests" for m in house.app.user_middleware)
    assert not trace.get_current_span().get_span_context().is_valid


def test_a_failing_block_is_a_failed_span_and_still_raises(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ZeroDivisionError), tracing.hop("append", ["cor_" + "a" * 32]):
        _ = 1 / 0
    (span,) = spans.get_finished_spans()
    assert not span.status.is_ok
    assert span.status.description == "ZeroDivisionError"


def test_metrics_tell_of_queues_groups_pools_sagas_erasures_and_parts(house: House) -> None:
    with house.worker():
        client = house.signed_up("measured@example.com")
        for number in range(3):
            files = {"file": ("a.flac", f"bytes {number}".encode())}
            assert client.post("/api/assets", files=files).status_code == 202
        eventually(lambda: house.rows("SELECT 1 FROM effects WHERE effect = 'probe'"))
        text = client.get("/metrics").text
    figures = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert figures["noculture_append_group_size_sum",] >= 3
    assert figures["noculture_append_seconds_count",] >= 3
    assert figures["noculture_append_queue",] == 0
    assert figures["noculture_waiting", "effects", "probe"] >= 1
    assert figures["noculture_waiting", "saga_timers", "all"] >= 1
    assert figures["noculture_db_pool", "pool_size"] >= 1
    assert figures["noculture_http_requests_total", "POST", "/api/assets", "202"] == 3
    assert figures["noculture_log_head",] >= 6
    assert ("noculture_consumer_lag", "vault") in figures
    families = {family.name for family in text_string_to_metric_families(text)}
    assert {"noculture_sagas_stuck", "noculture_erasures_pending", "noculture_part_up"} <= families


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """Every line of every logger, at its most talkative, as the product would write it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(json_lines())
    # The test's own client is none of the product's processes.
    handler.addFilter(lambda record: not record.name.startswith("httpx"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield stream
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def test_logs_are_json_with_the_request_s_ids_and_hold_nothing_of_a_person(house: House) -> None:
    canaries = {
        "email": "canary.mail@example.com",
        "name": "Canary Name",
        "file": "canary-file.flac",
        "title": "Canary Title",
        "word": "canarysearch",
        "password": PASSWORD,
    }
    with logged() as stream, house.worker():
        client = house.signed_up(canaries["email"], canaries["name"])
        wrong = {"email": canaries["email"], "password": "canary wrong password"}
        assert house.browser().post("/api/sessions", json=wrong).status_code == 401
        key = client.post("/api/keys", json={"name": "Canary Name", "scopes": ["*"]}).json()["key"]
        upload = client.post("/api/assets", files={"file": (canaries["file"], b"not audio")})
        edit = {"title": canaries["title"]}
        of_asset = f"/api/assets/{upload.json()['id']}"
        client.patch(of_asset, json=edit, headers={"If-Match": "*"})
        client.get("/api/assets", params={"q": canaries["word"]})
        client.post("/api/accounts", json={"email": "canary.wrong", "password": "x", "name": ""})
        house.core.pool.getconn().close()

        @house.app.get("/api/broken")
        def broken() -> None:
            logging.getLogger("kit.problems").info("in a request")
            raise RuntimeError("broken on purpose")

        broken_answer = house.browser().get("/api/broken")
        assert broken_answer.status_code == 500
        house.erase(client)
        eventually(lambda: "erasure.key_destroyed" in house.types())
    text = stream.getvalue()
    lines = [json.loads(line) for line in text.splitlines()]
    assert all({"timestamp", "level", "logger", "event"} <= line.keys() for line in lines)
    of_request = [
        line for line in lines if line.get("request_id") == broken_answer.headers["X-Request-ID"]
    ]
    assert {line["event"] for line in of_request} >= {"in a request"}
    assert any("broken on purpose" in line.get("exception", "") for line in of_request)
    assert of_request[0]["correlation_id"][4:] == of_request[0]["request_id"][4:]
    secrets = {key, client.cookies.get("noculture_session") or "canary"}
    for secret in {*canaries.values(), "canary", *secrets}:
        assert secret.casefold() not in text.casefold(), f"{secret} is in a log"
