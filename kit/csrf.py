"""Refuses by its origin what another site made a browser send; forms also need a token."""

from __future__ import annotations

from hmac import compare_digest
from urllib.parse import urlsplit

from fastapi import Request

from kit.caller import Caller
from schemas.errors import NoCultureError

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class ForeignOrigin(NoCultureError):
    status, code = 403, "foreign-origin"

    def __init__(self) -> None:
        super().__init__("This request came from another site: send it from this site's own pages")


class FormTokenMismatch(NoCultureError):
    """The header tells the page's script, which cannot read the code in an HTML answer."""

    status, code = 403, "form-token-mismatch"
    headers = {"NoCulture-Problem": code}

    def __init__(self) -> None:
        super().__init__("The form is older than your session: reload the page and send it again")


def refuse_foreign(request: Request) -> None:
    """Raises ForeignOrigin (403). Browsers send these headers, programs need not."""
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        raise ForeignOrigin
    origin = request.headers.get("origin")
    if origin is None:
        return
    public = getattr(request.state, "public_origin", None)
    if public is not None and origin == public:
        # The public origin counts also where a proxy puts its own name for us in the place of Host.
        return
    asked = urlsplit(origin)
    if public is not None and asked.netloc == urlsplit(public).netloc:
        # Our name over another scheme: somebody on the way may have answered for it.
        raise ForeignOrigin
    if asked.netloc != request.headers.get("host") or asked.scheme not in ("http", "https"):
        raise ForeignOrigin


def check_form_token(caller: Caller, sent: str | None) -> None:
    """The hidden field `csrf_token` of a page's form against the session's own. Raises a 403."""
    if not caller.csrf_token or not sent:
        raise FormTokenMismatch
    if not compare_digest(caller.csrf_token.encode(), sent.encode()):
        raise FormTokenMismatch
