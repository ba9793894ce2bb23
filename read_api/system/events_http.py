"""GET /api/events: the workspace's events as pages; live also those of what others share."""

import asyncio
import json
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request

from kit.auth import Authenticate
from kit.caller import Caller
from kit.limits import client_address
from kit.openapi import problems
from kit.places import HoldingResponse
from kit.positions import Progress, ReadAt
from read_api.revealing import Reveal, as_stored
from read_api.system.live import Entry, LiveFeed
from read_api.system.timeline import TimelineQueries
from schemas.dto import EventDto, Page
from schemas.errors import NoCultureError
from schemas.text import Cursor, HeaderText, Opaque, Ref

EventType = Annotated[str, Opaque(100)]
_POSITION = re.compile("[0-9]{1,18}")
HEARTBEAT_S = 15.0
LIFE_S = 600.0
RETRY_MS = 1000
# Told to pages only: where their stream begins, so that whoever takes it over leaves out nothing.
BEGINNING = "stream.begins"
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class AnotherAccount(NoCultureError):
    status, code = 403, "another-account"

    def __init__(self) -> None:
        super().__init__("Another account is signed in by now: reload the page")


class UnknownEventId(NoCultureError):
    status, code = 422, "unknown-event-id"

    def __init__(self) -> None:
        super().__init__("Last-Event-ID is none of this stream's: send the last `id` you got")


def router(
    authenticated: Authenticate,
    progress: Progress,
    timeline: TimelineQueries,
    feed: LiveFeed,
    reveal: Reveal = as_stored,
) -> APIRouter:
    routes = APIRouter(
        prefix="/api/events", tags=["events"], dependencies=[Depends(authenticated())]
    )
    allowed = authenticated("events:read")

    @routes.get(
        "",
        operation_id="listEvents",
        summary="Everything that happened in the workspace, in order",
        dependencies=[Depends(ReadAt("timeline", progress))],
        responses=problems(401, 403, 422, 429, 503),
    )
    def list_events(
        caller: Annotated[Caller, Depends(allowed)],
        after: Annotated[int, Query(ge=0, le=2**63 - 1, description="A position.")] = 0,
        type: Annotated[EventType | None, Query()] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Annotated[Cursor | None, Query()] = None,
    ) -> Page[EventDto]:
        return timeline.of_workspace(caller, after=after, type=type, limit=limit, cursor=cursor)

    # Left out: FastAPI describes event streams with a word of OpenAPI 3.2 in a 3.1 document.
    @routes.get("/stream", include_in_schema=False)
    async def stream_events(
        request: Request,
        caller: Annotated[Caller, Depends(allowed)],
        after: Annotated[int | None, Query(ge=0, le=2**63 - 1)] = None,
        account: Annotated[Ref | None, Query()] = None,
        last_event_id: Annotated[HeaderText | None, Header()] = None,
    ) -> HoldingResponse:
        """The workspace's events as SSE: `id` = position, `event` = type, `data` = envelope.

        A page names the `account` that it was made for: browsers reconnect by themselves, with the
        cookie of whoever is signed in by then. It is told first from which position it hears.
        """
        if account is not None and account != caller.account_id:
            raise AnotherAccount
        if last_event_id:
            after = _position(last_event_id)

        begins = None
        if account is not None:
            begins = after = await asyncio.to_thread(feed.head) if after is None else after
        place = feed.admit(caller.workspace_id, client_address(request).whole)
        batches = feed.events(
            caller.account_id, caller.workspace_id, caller.holder, after, HEARTBEAT_S
        )
        return HoldingResponse(
            place,
            _frames(batches, reveal, begins),
            media_type="text/event-stream",
            headers=_HEADERS,
        )

    return routes


def _position(last_event_id: str) -> int:
    """Raises UnknownEventId (422)."""
    if not _POSITION.fullmatch(last_event_id):
        raise UnknownEventId
    return int(last_event_id)


async def _frames(
    batches: AsyncGenerator[list[Entry], None], reveal: Reveal, begins: int | None
) -> AsyncIterator[str]:
    """The stream as text. It ends after ten minutes, or with the session or key behind it."""
    yield f"retry: {RETRY_MS}\n\n"
    if begins is not None:
        yield f"id: {begins}\nevent: {BEGINNING}\ndata: {{}}\n\n"
    end = time.monotonic() + LIFE_S
    async with aclosing(batches):
        async for batch in batches:
            # In a thread: a key that is not at hand is read from the database.
            yield await asyncio.to_thread(_text, batch, reveal) if batch else ": nothing new\n\n"
            if time.monotonic() >= end:
                return


def _text(batch: list[Entry], reveal: Reveal) -> str:
    return "".join(_frame(event, reveal) for event in batch)


def _frame(event: Entry, reveal: Reveal) -> str:
    shown = event.to_json()
    # Nothing is left to reveal in what others share.
    shown["data"] = reveal(shown["event_id"], shown["stream_id"], shown["tenant"], shown["data"])
    data = json.dumps(shown, ensure_ascii=False, separators=(",", ":"))
    return f"id: {event.position}\nevent: {event.type}\ndata: {data}\n\n"
