"""The routes of the mail double."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateways.doubles.errors import NotUnderstood, WrongMediaType
from gateways.doubles.frame import Double, application, body_of, read, under
from gateways.doubles.troubles import Troubles
from gateways.mail.double.kept import KeptMails
from gateways.mail.double.mailbox import message_in
from gateways.mail.double.strictness import check
from schemas.text import Opaque

MESSAGE = "message/rfc822"
# As much as large providers take, attachments as they travel.
MAX_BYTES = 10 * 1024 * 1024
MAX_CONTROL_BYTES = 4_096
MAX_ADDRESS = 320
PAGE, MAX_PAGE = 50, 200


class Forgetting(BaseModel):
    model_config = ConfigDict(extra="forbid")

    address: Annotated[str, Opaque(MAX_ADDRESS)]


def mail_double(key: Callable[[], str], folder: Path, outbox: Path) -> Double:
    kept, troubles = KeptMails(folder, outbox), Troubles(folder / "troubles.json")

    async def take(request: Request) -> Response:
        if request.headers.get("content-type") != MESSAGE:
            raise WrongMediaType(MESSAGE)
        content = await body_of(request, MAX_BYTES)
        check(content)
        trouble = troubles.next()

        def work() -> Response:
            kept.deliveries.pass_on(content, trouble)
            return JSONResponse({"message_id": str(message_in(content)["Message-ID"])}, 202)

        return await under(trouble, work)

    async def mails(request: Request) -> Response:
        asked = request.query_params
        limit = asked.get("limit", str(PAGE))
        if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit) <= MAX_PAGE:
            raise NotUnderstood(f"limit is a number from 1 to {MAX_PAGE}")
        page = kept.mailbox.page(asked.get("to", ""), asked.get("before"), int(limit))
        return JSONResponse(page.model_dump(mode="json"))

    async def mail(request: Request) -> Response:
        found = kept.mailbox.find(request.path_params["mail_id"])
        return JSONResponse(found.model_dump(mode="json"))

    async def forget(request: Request) -> Response:
        """A body and no query: addresses of people who are gone stand in no line of a log."""
        asked = await read(request, Forgetting, MAX_CONTROL_BYTES)
        return JSONResponse({"forgotten": kept.forget(asked.address)})

    routes = [
        Route("/messages", take, methods=["POST"]),
        Route("/messages", mails),
        Route("/messages/{mail_id}", mail),
        Route("/forgotten", forget, methods=["POST"]),
    ]
    return Double(application(key, troubles, routes), kept.deliveries)
