"""The application that every double is: it asks for the key, refuses what is too large, obeys its
script of troubles, and shows that it is ours.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gateways.doubles.deliveries import Deliveries
from gateways.doubles.errors import BodyTooLarge, Broken, KeyNeeded, NotUnderstood
from gateways.doubles.proof import PROOF, proof_of
from gateways.doubles.troubles import SCRIPT, Troubles
from schemas.doubles import Script, Trouble
from schemas.errors import NoCultureError

MAX_CONTROL_BYTES = 64 * 1024
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Double:
    """A double put together, ready to be served."""

    app: ASGIApp
    deliveries: Deliveries


def application(key: Callable[[], str], troubles: Troubles, routes: Sequence[Route]) -> ASGIApp:
    """`routes` are those of the service; the frame adds its control."""

    async def proof(request: Request) -> Response:
        return JSONResponse({"proof": proof_of(key(), request.query_params.get("nonce", ""))})

    async def control(request: Request) -> Response:
        if request.method == "PUT":
            troubles.replace(await read(request, Script, MAX_CONTROL_BYTES))
        return JSONResponse(troubles.script().model_dump())

    app = Starlette(
        routes=[
            *routes,
            Route(PROOF, proof),
            Route(SCRIPT, control, methods=["GET", "PUT"]),
        ],
        exception_handlers={NoCultureError: _refused},
    )
    return _AskForKey(app, key)


async def under(trouble: Trouble, work: Callable[[], Response]) -> Response:
    """Does the work and answers, as the trouble says.

    Work comes before the wait of `slow`: an erasure that comes meanwhile must find what was done.
    """
    if trouble.kind == "500":
        raise Broken
    answer = work()
    if trouble.kind == "slow":
        await asyncio.sleep(trouble.seconds)
    if trouble.kind == "500-but-done":
        raise Broken
    return answer


async def body_of(request: Request, most_bytes: int) -> bytes:
    """Raises BodyTooLarge as soon as there is more."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most_bytes:
            raise BodyTooLarge(most_bytes)
    return bytes(body)


async def read(request: Request, model: type[Model], most_bytes: int) -> Model:
    """The body as `model`. Raises NotUnderstood, BodyTooLarge."""
    try:
        return model.model_validate_json(await body_of(request, most_bytes))
    except ValidationError as error:
        raise NotUnderstood(
            f"{error.error_count()} of its values are not as they must be"
        ) from None


class _AskForKey:
    """Everything needs the key, but for the proof that the double has it too."""

    def __init__(self, app: ASGIApp, key: Callable[[], str]) -> None:
        self._app, self._key = app, key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] != PROOF:
            sent = dict(scope["headers"]).get(b"authorization", b"")
            if not hmac.compare_digest(sent, f"Bearer {self._key()}".encode()):
                await _answer(KeyNeeded())(scope, receive, send)
                return
        await self._app(scope, receive, send)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, NoCultureError)
    return _answer(error)


def _answer(error: NoCultureError) -> Response:
    return JSONResponse({"code": error.code, "detail": str(error)}, error.status)
