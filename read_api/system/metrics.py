"""Metrics in Prometheus' text form: how far the log and its readers are, and what HTTP answered."""

from __future__ import annotations

import time
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kit import security_log
from read_api.system.system import SystemQueries

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class Metrics:
    """One registry a process; `log` figures are read when they are asked for."""

    def __init__(self, system: SystemQueries) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(_LogCollector(system))
        self.registry.register(security_log.COUNTED)
        labels = ("method", "route", "status")
        self.requests = Counter(
            "noculture_http_requests", "Requests answered", labels, registry=self.registry
        )
        self.durations = Histogram(
            "noculture_http_request_duration_seconds",
            "Until the answer's first byte",
            ("method", "route"),
            buckets=BUCKETS_S,
            registry=self.registry,
        )

    def text(self) -> bytes:
        return generate_latest(self.registry)


class CountRequests:
    """ASGI middleware: `app.add_middleware(CountRequests, metrics=metrics)`."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                # The template, not the address: ids would make a time series each.
                route = getattr(scope.get("route"), "path", "none")
                method = scope["method"] if scope["method"] in _METHODS else "other"
                self._metrics.requests.labels(method, route, str(message["status"])).inc()
                seconds = time.perf_counter() - began
                self._metrics.durations.labels(method, route).observe(seconds)
            await send(message)

        await self._app(scope, receive, counted)


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class _LogCollector(Collector):
    def __init__(self, system: SystemQueries) -> None:
        self._system = system

    def collect(self) -> Iterable[GaugeMetricFamily]:
        head, relayed = self._system.position()
        yield _gauge("noculture_log_head", "Last position in the store", head)
        yield _gauge("noculture_log_relayed", "Last position that consumers can read", relayed)
        by_consumer = {
            "position": "Position the consumer is at",
            "lag": "Positions of the log behind which it is",
            "parked": "Streams it has put aside",
        }
        consumers = self._system.consumers()
        for name, help_ in by_consumer.items():
            family = GaugeMetricFamily(f"noculture_consumer_{name}", help_, labels=["consumer"])
            for each in consumers:
                family.add_metric([each.name], getattr(each, name))
            yield family
        stopped = GaugeMetricFamily(
            "noculture_consumer_stopped", "1 while it waits for somebody", labels=["consumer"]
        )
        for each in consumers:
            stopped.add_metric([each.name], 1 if each.stopped else 0)
        yield stopped
        aside = GaugeMetricFamily(
            "noculture_records_aside", "Records that are not the relay's", labels=["topic"]
        )
        for topic, count in self._system.put_aside().items():
            aside.add_metric([topic], count)
        yield aside

    def describe(self) -> Iterable[GaugeMetricFamily]:
        # Registering must not ask a database that may not be there yet.
        return ()


def _gauge(name: str, help_: str, value: int) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_, value=value)
