"""Every error of both APIs as RFC 9457 problem+json, also 404, 405, 422, 500; never a traceback."""

from __future__ import annotations

import errno
import logging
import uuid
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import psycopg
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kit import asking, correlation, security_log
from kit.field_words import in_words
from schemas.errors import NoCultureError

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
# A list may have thousands of wrong values; the answer names the first ones.
MAX_FIELD_PROBLEMS = 100
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
PageOfProblem = Callable[[Request, dict[str, Any]], Response]


class FieldProblem(BaseModel):
    """`pointer` is a JSON pointer into the body, or the name of a query parameter or header."""

    pointer: str
    code: str
    detail: str


class Problem(BaseModel):
    """RFC 9457. Errors may add members of their own."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[FieldProblem] | None = None


def install_problems(app: FastAPI, page: PageOfProblem | None = None) -> None:
    """Answer every error as a problem; `page` renders it for browsers outside /api."""

    def answer(request: Request, error: Exception) -> Response:
        status, document, headers = problem_of(error, request_id_of(request))
        if status == 403:
            security_log.note("request", "refused", reason=document["code"])
        if page is not None and _wants_page(request):
            wait = headers.get("Retry-After", "")
            wait_s = int(wait) if wait.isdecimal() else None
            response = page(request, {**document, "retry_after_s": wait_s})
            response.headers.update(headers)
            return response
        return JSONResponse(document, status, headers, MEDIA_TYPE)

    for kind in (NoCultureError, HTTPException, RequestValidationError, psycopg.OperationalError):
        app.add_exception_handler(kind, answer)
    app.add_middleware(RequestContext, answer=answer)


def problem_of(error: Exception, request_id: str) -> tuple[int, dict[str, Any], dict[str, str]]:
    """(status, document, headers) of any exception; the unforeseen ones tell nothing."""
    headers: dict[str, str] = dict(getattr(error, "headers", None) or {})
    extra: dict[str, Any] = {}
    match error:
        case NoCultureError():
            status, code, detail, extra = error.status, error.code, str(error), error.details
            retry_after_s = getattr(error, "retry_after_s", None)
            if retry_after_s is not None:
                headers["Retry-After"] = str(retry_after_s)
        case RequestValidationError():
            status, code = 422, "invalid-input"
            detail = "Some fields are missing or wrong: errors[] names each of them"
            found = error.errors()[:MAX_FIELD_PROBLEMS]
            extra = {"errors": [_field_problem(each) for each in found]}
        case HTTPException():
            status, detail = error.status_code, str(error.detail)
            code = _title(status).lower().replace(" ", "-")
        case psycopg.OperationalError():
            log.error("database unavailable, request %s: %s", request_id, error)
            status, code = 503, "database-unavailable"
            detail = "The database does not answer: try again in a moment"
            headers["Retry-After"] = "1"
        case OSError() if error.errno in NO_SPACE:
            log.error("no space left, request %s: %s", request_id, error)
            status, code = 507, "storage-full"
            detail = "There is no room left to store this: ask the operator, then send it again"
        case _:
            status, code = 500, "internal-error"
            detail = "Something broke on our side: report this request id to the operator"
    document = {
        "type": f"/problems/{code}",
        "title": _title(status),
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": request_id,
        **extra,
    }
    return status, document, headers


def request_id_of(request: Request) -> str:
    return getattr(request.state, "request_id", None) or new_request_id()


def add_headers(request: Request, **headers: str) -> None:
    """Headers of whatever the answer will be, a problem too; `_` in a name stands for `-`."""
    known = request.scope.setdefault("state", {}).setdefault("answer_headers", {})
    known.update({name.replace("_", "-"): value for name, value in headers.items()})


class RequestContext:
    """Gives each request its id, adds gathered headers, turns what nobody caught into a 500."""

    def __init__(self, app: ASGIApp, answer: Callable[[Request, Exception], Response]) -> None:
        self._app, self._answer = app, answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["request_id"], state["answer_headers"] = new_request_id(), {}
        correlation.begin(state["request_id"])
        asking.begin(scope)
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                added = {**state["answer_headers"], "X-Request-ID": state["request_id"]}
                message["headers"] = [
                    *message.get("headers", []),
                    *((name.lower().encode(), value.encode()) for name, value in added.items()),
                ]
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except ClientDisconnect:
            log.debug("request %s ended: the client went away", state["request_id"])
        except NoCultureError as error:
            if started:
                raise
            # Refused before any route was asked.
            response = await run_in_threadpool(self._answer, Request(scope), error)
            await response(scope, receive, send_with_headers)
        except Exception as error:
            log.exception("request %s failed", state["request_id"])
            if started:
                raise
            # In a thread: the page of an error may ask the database who looks at it.
            response = await run_in_threadpool(self._answer, Request(scope), error)
            await response(scope, receive, send_with_headers)


def _wants_page(request: Request) -> bool:
    accepted = request.headers.get("accept", "")
    return "text/html" in accepted and not request.url.path.startswith("/api/")


def _field_problem(found: dict[str, Any]) -> dict[str, str]:
    where, *path = found["loc"]
    # The rejected value is left out: it may be a password.
    pointer = "".join(f"/{part}" for part in path) if where == "body" else ".".join(map(str, path))
    return {"pointer": pointer, "code": found["type"].replace("_", "-"), "detail": in_words(found)}


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Checksum Mismatch" if status == 460 else "Error"


def new_request_id() -> str:
    return f"req_{uuid.uuid4().hex}"
