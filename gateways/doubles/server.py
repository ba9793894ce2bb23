"""Serves a double on a socket that somebody else may hold."""

from __future__ import annotations

import socket
import time

import uvicorn

from gateways.doubles.frame import Double

STOP_PATIENCE_S = 5
# uvicorn ticks ten times a second.
TICKS_A_LOOK = 5


class DoubleServer(uvicorn.Server):
    """Ends by itself after `idle_s` in which nobody asked and nothing waits to be delivered; None:
    never. Whoever holds the socket starts the next one.
    """

    def __init__(self, double: Double, *, idle_s: float | None = None) -> None:
        self._deliveries, self._idle_s = double.deliveries, idle_s
        self._asked, self._asked_at = 0, time.monotonic()
        super().__init__(
            uvicorn.Config(
                double.app,
                loop="asyncio",
                ws="none",
                lifespan="off",
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=STOP_PATIENCE_S,
            )
        )

    def serve_on(self, listening: socket.socket) -> None:
        self.run(sockets=[listening])

    async def on_tick(self, counter: int) -> bool:
        if counter % TICKS_A_LOOK == 0:
            self._deliveries.release_due()
            self.should_exit = self.should_exit or self._is_idle()
        return await super().on_tick(counter)

    def _is_idle(self) -> bool:
        state = self.server_state
        if state.total_requests != self._asked or state.tasks or self._deliveries.are_waiting():
            self._asked, self._asked_at = state.total_requests, time.monotonic()
        return self._idle_s is not None and time.monotonic() - self._asked_at > self._idle_s
