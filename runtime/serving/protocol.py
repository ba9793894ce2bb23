"""uvicorn's HTTP/1.1 over httptools, held to limits that it does not have itself.

What it adds: bounds on headers, on the time for headers and bodies, on answers that nobody reads
and on requests sent ahead; refusals as problems; no line in the log for each. It relies on names of
`HttpToolsProtocol`; tests/integration/http/test_attacks.py fails if an update of uvicorn moves one.
"""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import Any, ClassVar

import httptools
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from kit.target import WholeTargets
from runtime.serving.doors import Doors
from runtime.serving.refusals import (
    BodyInCrumbs,
    BodyTimeout,
    HeadersTooLarge,
    HeaderTimeout,
    MalformedRequest,
    TargetTooLong,
    TooManyAhead,
    TooManyConnections,
    UpgradeRefused,
    answer_of,
)
from schemas.errors import NoCultureError

# Requests that may wait behind one that is being answered.
MAX_AHEAD = 16
# A refused client that still sends would get a reset instead of its answer (RFC 9112 §9.6): what
# it sends is thrown away for a while.
LINGER_S, LINGER_BYTES = 2.0, 32 * 1024 * 1024
# A body is read on after its answer: clients read the answer once they have sent it all.
ANSWERED_BODY_S = 60.0
# Each chunk costs 2 us, however small: so many may be smaller than so many bytes on average.
CRUMBS, CRUMB_BYTES = 10_000, 16


class Phase(Enum):
    """Phases of a connection, by what is being waited for."""

    IDLE = "a further request"
    HEAD = "the rest of its headers"
    BODY = "the rest of its body"
    ANSWER = "us"


class _Stopped(Exception):
    """Ends the parser's work; `GuardedProtocol._refusal` says why."""


class GuardedProtocol(WholeTargets):
    """One connection. `doors` belongs to the server; see `server.Server`."""

    doors: ClassVar[Doors]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._limits = self.doors.limits
        self._phase, self._since = Phase.HEAD, self.loop.time()
        self._head_bytes = 0
        self._refusal: NoCultureError | None = None
        self._refused, self._thrown_away = False, 0
        self._running: RequestResponseCycle | None = None
        # When the answer was complete, if its request's body is not.
        self._answered_at: float | None = None
        self._begin_body()
        self._unread, self._unread_s, self._closing_s = 0, 0.0, 0.0

    # Coming and going

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        try:
            self.doors.enter(self, self.loop.time())
        except TooManyConnections as error:
            if len(self.connections) > 2 * self._limits.max_connections:
                transport.abort()
            else:
                self.refuse(error)

    def connection_lost(self, exc: Exception | None) -> None:
        self.doors.leave(self)
        self.pipeline.clear()
        self._tell_clients_gone()
        super().connection_lost(exc)

    def refuse(self, error: NoCultureError) -> None:
        """Answers, if no other answer is under way, and ends the connection."""
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        self.doors.count(error)
        if self._answering() and self._phase is not Phase.BODY:
            # The client may still read the answer under way; then the connection ends.
            self.cycle.keep_alive = False
            return
        answers_before = self._answering() and self._running is not self.cycle
        begun = self._phase is Phase.BODY and self.cycle.response_started
        self._tell_clients_gone()
        if answers_before or begun:
            self.end()
        else:
            self._answer_and_end(error)

    def end(self) -> None:
        self.doors.leave(self)
        self.transport.abort()

    def give_way(self) -> None:
        """Makes place for another connection."""
        if self._unread_s:
            self._refused = True
            self.doors.count(TooManyConnections())
            self._tell_clients_gone()
            self.end()
        else:
            self.refuse(HeaderTimeout() if self._phase is not Phase.BODY else BodyTimeout())

    def _answer_and_end(self, error: NoCultureError) -> None:
        self.doors.leave(self)
        # Where nothing was asked, a browser would take the answer for that of its next request.
        if self._head_bytes or isinstance(error, TooManyConnections):
            self.transport.write(answer_of(error, self.server_state.default_headers))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self.loop.call_later(LINGER_S, self.transport.abort)

    def _answering(self) -> bool:
        return self._running is not None and not self._running.response_complete

    def _tell_clients_gone(self) -> None:
        """Tells each unanswered request that its client is gone; uvicorn tells the last alone."""
        for cycle in (self._running, self.cycle):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()

    # What the client sends

    def data_received(self, data: bytes) -> None:
        if self._refused:
            self._thrown_away += len(data)
            if self._thrown_away > LINGER_BYTES:
                self.transport.abort()
            return
        self._unset_keepalive_if_required()
        if self._phase is Phase.IDLE:
            self._begin_head()
        if self._phase is Phase.HEAD:
            self._head_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # The request is answered without the upgrade (RFC 9110 §7.8); the connection then ends.
            pass
        except httptools.HttpParserError:
            self.refuse(self._refusal or MalformedRequest())
        else:
            if self._phase is Phase.HEAD and self._head_bytes > self._limits.max_header_bytes:
                self.refuse(self._headers_too_large())

    def on_message_begin(self) -> None:
        if self._phase is not Phase.HEAD:
            self._begin_head()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > self._limits.max_target_bytes:
            self._stop(TargetTooLong(self._limits.max_target_bytes))

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._phase is not Phase.HEAD:
            # Fields behind a chunked body are dropped: the app already has the request's headers.
            return
        if len(self.headers) >= self._limits.max_headers:
            self._stop(self._headers_too_large())
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        limit = self._limits.max_header_bytes
        # Bytes of a body may be counted with the head: a count above the limit is looked into.
        if self._head_bytes > limit and sum(len(n) + len(v) + 4 for n, v in self.headers) > limit:
            self._stop(self._headers_too_large())
        if len(self.pipeline) >= MAX_AHEAD:
            self._stop(TooManyAhead())
        upgrades = self.parser.should_upgrade()
        if upgrades and self._get_upgrade() == b"websocket":
            self._stop(UpgradeRefused())
        super().on_headers_complete()
        if upgrades:
            self.cycle.keep_alive = False
        if self.pipeline:
            # uvicorn stops reading here, and then does not hear that the client is gone.
            self.flow.resume_reading()
        self._phase = Phase.BODY
        self._begin_body()

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        self._body_pieces += 1
        if self._body_pieces > CRUMBS and self._body_bytes < CRUMB_BYTES * self._body_pieces:
            self._stop(BodyInCrumbs())
        self._body_at = self.loop.time()
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._phase = Phase.ANSWER if self._answering() else Phase.IDLE
        self._since = self.loop.time()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        now = self.loop.time()
        if self._phase is Phase.BODY:
            self._answered_at = now
        elif self._phase is Phase.ANSWER and not self._answering():
            self._phase, self._since = Phase.IDLE, now

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _should_upgrade(self) -> bool:
        return False

    def _stop(self, error: NoCultureError) -> None:
        self._refusal = error
        raise _Stopped

    def _headers_too_large(self) -> NoCultureError:
        return HeadersTooLarge(self._limits.max_header_bytes, self._limits.max_headers)

    def _begin_head(self) -> None:
        self._phase, self._since, self._head_bytes = Phase.HEAD, self.loop.time(), 0

    def _begin_body(self) -> None:
        self._body_bytes = self._body_pieces = 0
        self._body_at = self.loop.time()
        self._answered_at = None
        # The window holds only time in which the client alone was waited for.
        self._window_s, self._window_from = 0.0, 0

    # What takes too long

    def waits_since(self, now: float) -> float | None:
        if self._refused:
            return None
        if self._phase in (Phase.IDLE, Phase.HEAD) and not self._answering():
            return self._since
        if self._phase is Phase.BODY and self._awaits_body():
            # While an upload goes on, its last bytes are hardly ever the longest ago.
            return self._body_at
        return now - self._unread_s if self._unread_s else None

    def look(self, now: float, elapsed_s: float) -> None:
        """Ends the connection if its client took too long; asked twice a second."""
        if self.transport.is_closing():
            self._closing_s += elapsed_s
            if self._closing_s > self._limits.send_timeout_s:
                self.end()
        elif self._is_unread(elapsed_s):
            self._tell_clients_gone()
            self.end()
        elif self._refused:
            pass
        elif self._phase is Phase.IDLE:
            if now - self._since > self._limits.keep_alive_s:
                self.transport.close()
        elif self._phase is Phase.HEAD:
            if now - self._since > self._limits.header_timeout_s:
                self.refuse(HeaderTimeout())
        elif self._phase is Phase.BODY:
            self._look_at_body(now, elapsed_s)

    def _look_at_body(self, now: float, elapsed_s: float) -> None:
        if self._answered_at is not None:
            if now - self._answered_at > ANSWERED_BODY_S:
                self.end()
            return
        if not self._awaits_body():
            return
        self._window_s += elapsed_s
        if self._window_s < self._limits.body_timeout_s:
            return
        if self._body_bytes - self._window_from < self._limits.min_body_bytes:
            self.refuse(BodyTimeout())
        self._window_s, self._window_from = 0.0, self._body_bytes

    def _awaits_body(self) -> bool:
        """Tells if we wait for the client, rather than the client for us."""
        return not (self.flow.read_paused or self.cycle.waiting_for_100_continue)

    def _is_unread(self, elapsed_s: float) -> bool:
        """Whether the client has taken nothing of what waits for it for too long."""
        waiting_bytes = self.transport.get_write_buffer_size()
        stands_still = 0 < self._unread <= waiting_bytes
        self._unread_s = self._unread_s + elapsed_s if stands_still else 0.0
        self._unread = waiting_bytes
        return self._unread_s > self._limits.send_timeout_s
