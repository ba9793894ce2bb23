"""Several recordings as one zip, which is sent while it is made."""

from collections.abc import Sequence
from itertools import chain
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse

from kit.auth import Authenticate
from kit.caller import Caller
from kit.openapi import problems
from kit.positions import AlsoAt, Progress, ReadAt
from read_api.vault.archive import MEDIA_TYPE, Entry, zipped
from read_api.vault.media import AssetMedia
from read_api.vault.media_http import HARMLESS, disposition
from schemas.text import Ref

# So many ids fit into an address of 8 KiB.
MOST_NAMED = 200
_BINARY = {"schema": {"type": "string", "format": "binary"}}
Chosen = Annotated[
    list[Ref],
    Query(
        min_length=1,
        max_length=MOST_NAMED,
        description="Your own tracks, once for each: `id=ast_…&id=ast_…`.",
        examples=[["ast_0190b6e0a1b27c3d8e4f5a6b7c8d9e0f"]],
    ),
]


def router(authenticated: Authenticate, progress: Progress, media: AssetMedia) -> APIRouter:
    routes = APIRouter(
        prefix="/api/assets",
        tags=["assets"],
        dependencies=[
            Depends(authenticated()),
            Depends(AlsoAt("grants", progress)),
            Depends(ReadAt("vault", progress)),
        ],
    )

    @routes.get(
        "/archive",
        operation_id="getAssetArchive",
        summary="Several recordings as one zip",
        response_class=Response,
        responses={
            **problems(401, 403, 404, 409, 422, 429, 503),
            200: {"content": {MEDIA_TYPE: _BINARY}},
        },
    )
    def archive(
        id: Chosen,
        caller: Annotated[Caller, Depends(authenticated("assets:read"))],
    ) -> Response:
        """The files unchanged and in your order; two of one name are numbered. One that you may
        not download, and nothing is sent."""
        return sent(media.together(caller, id), "tracks")

    return routes


def sent(entries: Sequence[Entry], name: str) -> Response:
    """The zip of that name as an answer that a browser keeps as a file."""
    pieces = zipped(entries)
    # The first piece before the headers: a missing blob is still an error, not a torn answer.
    first = next(pieces)
    headers = {**HARMLESS, "Content-Disposition": disposition(f"{name}.zip", "attachment")}
    return StreamingResponse(chain([first], pieces), 200, headers, MEDIA_TYPE)
