from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.fixtures import spans as fixtures


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return fixtures.exporter()


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    with fixtures.recorded() as recorded:
        yield recorded
