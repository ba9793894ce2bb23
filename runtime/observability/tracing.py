"""Traces to an OTLP collector, when the setting `otlp_endpoint` names one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from events import tracing
from runtime.installation import version
from runtime.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


@contextmanager
def exporting(settings: Settings, part: str) -> Iterator[None]:
    """Spans of this process go to the collector while this is open; without one nothing happens."""
    if not settings.otlp_endpoint:
        yield
        return
    # Here: the SDK takes 0.2 s to import, and most installations export nothing.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    exporter = OTLPSpanExporter(f"{settings.otlp_endpoint.rstrip('/')}/v1/traces")
    provider = start(part, BatchSpanProcessor(exporter))
    try:
        yield
    finally:
        provider.shutdown()


def start(part: str, processor: SpanProcessor) -> TracerProvider:
    """Record every span of this process with `processor`."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanLimits, TracerProvider

    provider = TracerProvider(
        resource=Resource.create(
            {"service.name": f"noculture-{part}", "service.version": version()}
        ),
        # Libraries write what an error says into an event of its span.
        span_limits=SpanLimits(max_events=0),
    )
    provider.add_span_processor(processor)
    trace.set_tracer_provider(provider)
    tracing.on = True
    return provider


class TraceRequests:
    """ASGI middleware inside `RequestContext`, which gives requests their ids.

    Route templates only: addresses and queries hold what people looked for.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not tracing.on:
            await self._app(scope, receive, send)
            return
        request_id = scope["state"]["request_id"]
        tracer = trace.get_tracer("noculture")
        with tracer.start_as_current_span(
            scope["method"],
            tracing.context_of(request_id),
            SpanKind.SERVER,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:

            async def observed(message: Message) -> None:
                if message["type"] == "http.response.start":
                    route = getattr(scope.get("route"), "path", "none")
                    span.update_name(f"{scope['method']} {route}")
                    span.set_attribute("http.route", route)
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= 500:
                        span.set_status(Status(StatusCode.ERROR))
                await send(message)

            span.set_attribute("http.request.method", scope["method"])
            span.set_attribute("correlation_id", f"cor{request_id[3:]}")
            await self._app(scope, receive, observed)
