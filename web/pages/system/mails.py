"""Mails of test mode, as an operator reads them: no mail leaves the machine then."""

import re
from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from schemas.text import Opaque, Ref
from web.pages.system.doubles import NoDouble
from web.pages.system.tools import SentMails, SystemTools
from web.visitor import Visitors

MAX_ADDRESS = 320
# Punctuation behind an address belongs to the sentence.
_LINK = re.compile(r"https?://[^\s<>\"]*[^\s<>\".,;:!?')\]]")


def router(tools: SystemTools) -> APIRouter:
    routes = APIRouter()
    visitors = Visitors(tools)

    def sent() -> SentMails:
        """Raises NoDouble (404) where mails go by a server."""
        if tools.mails is None:
            raise NoDouble
        return tools.mails

    @routes.get("/system/mails", dependencies=[Depends(visitors.operator)])
    def mails_page(
        request: Request,
        to: Annotated[str, Query(), Opaque(MAX_ADDRESS)] = "",
        before: Annotated[Ref | None, Query()] = None,
    ) -> Response:
        mails = sent().page(to.strip(), before)
        return _unkept(
            tools.renderer.page(request, "system/mails.html", mails=mails, to=to.strip())
        )

    @routes.get("/system/mails/{mail_id}", dependencies=[Depends(visitors.operator)])
    def mail_page(request: Request, mail_id: Ref) -> Response:
        mail = sent().find(mail_id)
        pieces = list(pieces_of(mail.text))
        links = list(dict.fromkeys(piece for piece, is_link in pieces if is_link))
        return _unkept(
            tools.renderer.page(request, "system/mail.html", mail=mail, pieces=pieces, links=links)
        )

    return routes


def pieces_of(text: str) -> Iterator[tuple[str, bool]]:
    """The text cut at its links: (piece, whether it is one)."""
    end = 0
    for found in _LINK.finditer(text):
        yield text[end : found.start()], False
        yield found[0], True
        end = found.end()
    yield text[end:], False


def _unkept(page: Response) -> Response:
    """Links in mails sign people in."""
    page.headers["Cache-Control"] = "no-store"
    return page
