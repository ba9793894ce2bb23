"""What the relay publishes is found by the correlation id of the request that caused it."""

from __future__ import annotations

from psycopg_pool import ConnectionPool

from events.log.kafka_config import KafkaConfig
from events.store.postgres import PostgresEvents
from tests.conftest import Database
from tests.fixtures.spans import recorded, traced
from tests.integration.account.erasure.house import eventually
from tests.integration.consumers.support import Writer
from tests.kafka.conftest import relaying_with


def test_a_published_event_is_in_the_trace_of_its_correlation_id(
    database: Database, pool: ConnectionPool, config: KafkaConfig, writer: Writer
) -> None:
    writer.upload()
    (first,) = PostgresEvents(pool).after(0, 1)
    with recorded() as spans, relaying_with(database.relay_url, pool, config):
        eventually(lambda: "publish" in traced(spans, first.correlation_id))
    span = traced(spans, first.correlation_id)["publish"]
    assert span.context.trace_id == int(first.correlation_id[4:], 16)
    assert (span.attributes or {})["records"] >= 1
