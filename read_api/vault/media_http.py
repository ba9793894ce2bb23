"""Audio with ranges, waveform and cover; never as anything that a browser would run."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from kit.auth import Authenticate
from kit.caller import Caller
from kit.openapi import problems
from kit.positions import AlsoAt, Progress, ReadAt
from read_api.vault.media import AssetMedia, MediaFile
from read_api.vault.ranges import requested_range
from schemas.text import Ref

# Even if a browser took the bytes for a document, it could run nothing and reach nothing.
HARMLESS = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}
KEPT_FOR_EVER = "private, max-age=31536000, immutable"
Rendition = Annotated[
    Literal["playable"] | None,
    Query(description="A copy in a format that browsers play, where the original is none."),
]
Size = Annotated[
    Literal["small"] | None,
    Query(description="With 320 points a side, where a picture was chosen for it."),
]
Seen = Annotated[
    str | None,
    Query(
        pattern="^[0-9a-f]{16}$",
        description="The first characters of its hash: then browsers keep it for good.",
    ),
]
Original = Annotated[
    bool, Query(description="The file as it was uploaded, before tags were written into it.")
]
# (start, length) → that part of a file
Pieces = Callable[[int, int], Iterator[bytes]]
_BINARY = {"schema": {"type": "string", "format": "binary"}}


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
    Reader = Annotated[Caller, Depends(authenticated("assets:read"))]

    def audio(
        asset_id: Ref,
        request: Request,
        caller: Reader,
        rendition: Rendition = None,
        original: Original = False,
    ) -> Response:
        playable = rendition == "playable"
        file = media.audio(caller, asset_id, playable=playable, original=original)
        return _serve(request, partial(media.pieces, caller, asset_id, file), file, ranges=True)

    def cover(
        asset_id: Ref,
        request: Request,
        caller: Reader,
        size: Size = None,
        v: Seen = None,
    ) -> Response:
        file = media.cover(caller, asset_id, small=size == "small")
        served = _serve(request, partial(media.pieces, caller, asset_id, file), file, ranges=False)
        # Somebody else's may be taken back: it is asked for each time.
        if v is not None and v == file.seen_as and file.workspace_id == caller.workspace_id:
            served.headers["Cache-Control"] = KEPT_FOR_EVER
        return served

    routes.add_api_route(
        "/{asset_id}/audio",
        audio,
        operation_id="getAssetAudio",
        summary="The recording as it was uploaded, or a copy that browsers play",
        response_class=Response,
        responses={
            **problems(401, 403, 404, 409, 416, 422, 429, 503),
            200: {"content": {"audio/*": _BINARY}},
            206: {"description": "Partial Content", "content": {"audio/*": _BINARY}},
            304: {"description": "Not Modified"},
        },
    )
    routes.add_api_route(
        "/{asset_id}/cover",
        cover,
        operation_id="getAssetCover",
        summary="The picture that was chosen for it, or that its file carries",
        response_class=Response,
        responses={
            **problems(401, 403, 404, 422, 429, 503),
            200: {"content": {"image/*": _BINARY}},
            304: {"description": "Not Modified"},
        },
    )
    for path, handler in (("/{asset_id}/audio", audio), ("/{asset_id}/cover", cover)):
        routes.add_api_route(path, handler, methods=["HEAD"], include_in_schema=False)

    @routes.get(
        "/{asset_id}/waveform",
        operation_id="getAssetWaveform",
        summary="The waveform as audiowaveform JSON, version 2",
        responses={
            **problems(401, 403, 404, 422, 429, 503),
            304: {"description": "Not Modified"},
        },
        response_class=JSONResponse,
    )
    def waveform(
        asset_id: Ref,
        request: Request,
        caller: Reader,
        zoom: Annotated[
            int, Query(ge=0, le=1_000_000, description="At most so many samples per pixel.")
        ] = 1024,
    ) -> Response:
        peaks = media.peaks(caller, asset_id)
        headers = {**HARMLESS, "ETag": f'"{peaks.sha256[:32]}-{zoom}"'}
        if _matches(request.headers.get("if-none-match"), headers["ETag"]):
            return Response(status_code=304, headers=headers)
        return JSONResponse(media.waveform(peaks, zoom), headers=headers)

    return routes


def _serve(request: Request, pieces: Pieces, file: MediaFile, *, ranges: bool) -> Response:
    tag = f'"{file.sha256}"'
    headers = {
        **HARMLESS,
        "ETag": tag,
        "Content-Disposition": disposition(file.filename),
        "Accept-Ranges": "bytes" if ranges else "none",
    }
    if _matches(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    chosen = None
    # A range of a file that has meanwhile become another (If-Range) is answered with the whole.
    if ranges and request.method == "GET" and request.headers.get("if-range", tag) == tag:
        chosen = requested_range(request.headers.get("range"), file.size_bytes)
    start, length = chosen or (0, file.size_bytes)
    headers["Content-Length"] = str(length)
    if chosen:
        headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{file.size_bytes}"
    status = 206 if chosen else 200
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=file.media_type)
    chunks = pieces(start, length)
    # The first chunk before the headers: a missing blob is still an error, not a torn answer.
    first = next(chunks, b"")
    return StreamingResponse(chain([first], chunks), status, headers, file.media_type)


def disposition(filename: str, how: str = "inline") -> str:
    """The name in both spellings of RFC 6266: plain ASCII, and UTF-8."""
    plain = "".join(c if " " <= c <= "~" and c not in '"\\%' else "_" for c in filename)
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


def _matches(if_none_match: str | None, tag: str) -> bool:
    tags = [each.strip().removeprefix("W/") for each in (if_none_match or "").split(",")]
    return "*" in tags or tag in tags
