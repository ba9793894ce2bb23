"""Spans of one correlation id in every process: the id's 128 bits are the trace's id.

So the hops behind a queue need nobody to carry a trace context. Nothing is made while `on` is
false; `runtime/observability/` turns it on together with an exporter.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, Status, StatusCode, TraceFlags

# A rebuild passes millions of correlation ids; a trace is looked for by one that is new.
MAX_TRACES_A_BATCH = 100
_HEX = 32
on = False


def context_of(correlation_id: str) -> Context:
    """As if a span that nobody recorded had been the first of this id."""
    trace_id = int(correlation_id[-_HEX:], 16)
    first = SpanContext(trace_id, trace_id & (1 << 64) - 1 or 1, True, TraceFlags(1))
    return trace.set_span_in_context(NonRecordingSpan(first), Context())


@contextmanager
def hop(name: str, correlation_ids: Iterable[str], **attributes: str | int) -> Iterator[None]:
    """One span in the trace of each id, over the work of the block, which they all waited for."""
    if not on:
        yield
        return
    began_ns, error = time.time_ns(), None
    try:
        yield
    except Exception as raised:
        error = raised
        raise
    finally:
        ended_ns = time.time_ns()
        distinct = list(dict.fromkeys(correlation_ids))
        attributes["batch.traces"] = len(distinct)
        tracer = trace.get_tracer("noculture")
        for correlation_id in distinct[:MAX_TRACES_A_BATCH]:
            span = tracer.start_span(
                name,
                _parent(correlation_id),
                attributes={**attributes, "correlation_id": correlation_id},
                start_time=began_ns,
            )
            if error is not None:
                span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            span.end(ended_ns)


def _parent(correlation_id: str) -> Context | None:
    """The span under way, if it is of the same trace."""
    current = trace.get_current_span().get_span_context()
    if current.is_valid and current.trace_id == int(correlation_id[-_HEX:], 16):
        return None
    return context_of(correlation_id)
