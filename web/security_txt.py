"""`/.well-known/security.txt` (RFC 9116): where somebody who found a hole tells of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

PATH = "/.well-known/security.txt"
# RFC 9116 advises less than a year: who reads an old copy should ask again.
VALID_FOR = timedelta(days=180)


def router(contact: str) -> APIRouter:
    """`contact` is a `mailto:` or `https:` address; without one the file does not exist."""
    routes = APIRouter(include_in_schema=False)
    if not contact:
        return routes

    @routes.get(PATH)
    def security_txt() -> PlainTextResponse:
        expires = datetime.now(UTC) + VALID_FOR
        return PlainTextResponse(f"Contact: {contact}\nExpires: {expires:%Y-%m-%dT%H:%M:%SZ}\n")

    return routes
