"""Resumable uploads by tus 1.0; `resumable.py` keeps them, `tus_headers.py` knows the headers."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from commands.vault.resumable import Upload, Uploads
from commands.vault.staging import FileTooLarge, clean_filename, clean_path
from commands.vault.tus_headers import (
    ALGORITHMS,
    EXTENSIONS,
    PIECE_TYPE,
    VERSION,
    ChecksumMismatch,
    OffsetMismatch,
    TusProblem,
    asset_headers,
    checksum,
    digest_header,
    file_name,
    file_path,
    http_date,
    kept_headers,
    length,
    number,
    said_of_file,
    tus_version,
)
from kit.auth import Authenticate
from kit.body import announced_bytes
from kit.caller import Caller
from kit.openapi import problems
from schemas.text import Ref

__all__ = ["Uploads", "router"]
FLUSH_BYTES = 512 * 1024
_DigestFrom = Annotated[
    int | None,
    Header(
        alias="NoCulture-Digest-From",
        ge=0,
        lt=10**18,
        description="Ask for a digest of the bytes from this one up to Upload-Offset",
    ),
]
_OFFSET: dict[str, Any] = {
    "description": "The upload is known.",
    "headers": {
        "Upload-Offset": {"schema": {"type": "integer"}},
        "NoCulture-Digest": {
            "description": "Where it was asked for: `sha-256-8mib=:base64:`, the SHA-256 over the"
            " SHA-256 of each 8 MiB of those bytes (the last is as long as it is)",
            "schema": {"type": "string"},
        },
    },
}


def router(uploads: Uploads, authenticated: Authenticate) -> APIRouter:
    open_routes = APIRouter(tags=["uploads"])
    routes = APIRouter(tags=["uploads"], dependencies=[Depends(tus_version)])
    writer = Depends(authenticated("assets:write"))

    @open_routes.options("/api/uploads", status_code=204, operation_id="describeUploads")
    @open_routes.options("/api/uploads/{upload_id}", status_code=204, include_in_schema=False)
    def describe_uploads() -> Response:
        """Tells how much of tus this server can do."""
        headers = {
            "Tus-Resumable": VERSION,
            "Tus-Version": VERSION,
            "Tus-Extension": EXTENSIONS,
            "Tus-Max-Size": str(uploads.max_bytes),
            "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
        }
        return Response(status_code=204, headers=headers)

    @routes.post(
        "/api/uploads",
        status_code=201,
        operation_id="createUpload",
        responses=problems(401, 403, 412, 413, 415, 422, 429, 503),
    )
    async def create_upload(request: Request, caller: Caller = writer) -> Response:
        """Announce `Upload-Length` bytes; a body is the first piece.

        `Upload-Metadata` may name the file, `filename`, and where it lay in a folder, `path`.
        """
        size_bytes = length(request)
        metadata = request.headers.get("upload-metadata")
        said = said_of_file(metadata)
        name, lay_at = clean_filename(file_name(said)), clean_path(file_path(said))
        of_file = name, metadata, None, lay_at
        upload = await run_in_threadpool(uploads.create, caller, size_bytes, *of_file)
        headers = {
            "Location": f"/api/uploads/{upload.upload_id}",
            "Upload-Expires": http_date(upload.expires_at),
        }
        if request.headers.get("content-type") == PIECE_TYPE:
            headers |= await _receive(request, uploads, caller, upload, 0)
        return Response(status_code=201, headers=headers)

    @routes.head(
        "/api/uploads/{upload_id}",
        operation_id="getUploadOffset",
        responses={200: _OFFSET, **problems(401, 403, 404, 410, 412, 422, 423, 429)},
    )
    def upload_offset(
        upload_id: Ref, caller: Caller = writer, digest_from: _DigestFrom = None
    ) -> Response:
        """Where to continue; with `NoCulture-Digest-From` also whose bytes are here.

        A file of the same name, size and time may hold other bytes: go on only if the digest of its
        own bytes is the same.
        """
        upload = uploads.find(caller, upload_id)
        headers: dict[str, str] = {}
        if digest_from is None:
            offset = uploads.offset(upload)
        else:
            offset, digest = uploads.digest(caller, upload_id, digest_from)
            headers |= digest_header(digest) if digest is not None else {}
        headers |= {
            "Upload-Offset": str(offset),
            "Upload-Length": str(upload.size_bytes),
            "Upload-Expires": http_date(upload.expires_at),
            "Cache-Control": "no-store",
        }
        if upload.metadata:
            headers["Upload-Metadata"] = upload.metadata
        if upload.asset_id is not None:
            headers |= asset_headers(upload.asset_id, upload.duplicate)
        elif offset == upload.size_bytes:
            # All bytes are here, but a crash or a lost answer hid the asset from the client.
            with uploads.locked(upload):
                headers |= kept_headers(uploads.finish(caller, upload))
        return Response(status_code=200, headers=headers)

    @routes.patch(
        "/api/uploads/{upload_id}",
        status_code=204,
        operation_id="continueUpload",
        responses=problems(401, 403, 404, 409, 410, 412, 413, 415, 422, 423, 429, 503),
    )
    async def continue_upload(
        upload_id: Ref, request: Request, caller: Caller = writer
    ) -> Response:
        """Send the next piece; the last one answers `NoCulture-Asset`."""
        if request.headers.get("content-type") != PIECE_TYPE:
            raise TusProblem(415, "wrong-content-type", f"Send the piece as {PIECE_TYPE}")
        offset = number(request, "upload-offset")
        upload = await run_in_threadpool(uploads.find, caller, upload_id)
        headers = await _receive(request, uploads, caller, upload, offset)
        return Response(status_code=204, headers=headers)

    @routes.delete(
        "/api/uploads/{upload_id}",
        status_code=204,
        operation_id="cancelUpload",
        responses=problems(401, 403, 404, 410, 412, 423, 429),
    )
    def cancel_upload(upload_id: Ref, caller: Caller = writer) -> Response:
        """Forget an upload and its bytes."""
        upload = uploads.find(caller, upload_id)
        with uploads.locked(upload):
            uploads.cancel(upload)
        return Response(status_code=204)

    @routes.post("/api/uploads/{upload_id}", include_in_schema=False)
    async def overridden(upload_id: Ref, request: Request, caller: Caller = writer) -> Response:
        """For networks that let no PATCH or DELETE through (tus §X-HTTP-Method-Override)."""
        match request.headers.get("x-http-method-override", "").upper():
            case "PATCH":
                return await continue_upload(upload_id, request, caller)
            case "DELETE":
                return await run_in_threadpool(cancel_upload, upload_id, caller)
            case _:
                raise TusProblem(405, "method-not-allowed", "Send PATCH, HEAD or DELETE here")

    open_routes.include_router(routes)
    return open_routes


async def _receive(
    request: Request, uploads: Uploads, caller: Caller, upload: Upload, offset: int
) -> dict[str, str]:
    """Take the body as the piece at `offset`; answers the headers that say where the upload is."""
    with uploads.locked(upload):
        at = await run_in_threadpool(uploads.offset, upload)
        if at != offset:
            raise OffsetMismatch(at)
        if at < upload.size_bytes:
            at = await _append(request, uploads, upload, at)
            upload_expires = await run_in_threadpool(uploads.settle, upload)
        else:
            upload_expires = upload.expires_at
        headers = {"Upload-Offset": str(at), "Upload-Expires": http_date(upload_expires)}
        if at == upload.size_bytes:
            kept = await uploads.turns.run(caller.account_id, uploads.finish, caller, upload)
            headers |= kept_headers(kept)
    return headers


async def _append(request: Request, uploads: Uploads, upload: Upload, offset: int) -> int:
    """The new offset. What arrived before a lost connection stays, unless it has a checksum."""
    room = upload.size_bytes - offset
    if announced_bytes(request) > room:
        raise FileTooLarge(upload.size_bytes)
    piece = _Piece(uploads, upload, request.headers.get("upload-checksum"))
    try:
        received = await _stream(request, piece, room)
        if received > room:
            piece.drop()
            await run_in_threadpool(uploads.cut, upload, offset)
            raise FileTooLarge(upload.size_bytes)
        await run_in_threadpool(piece.keep)
    except ClientDisconnect:
        await run_in_threadpool(piece.interrupt)
        await run_in_threadpool(uploads.settle, upload)
        raise
    finally:
        piece.close()
    return offset + received


async def _stream(request: Request, piece: _Piece, room: int) -> int:
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > room:
            return received
        piece.take(chunk)
        if piece.waiting_bytes >= FLUSH_BYTES:
            await run_in_threadpool(piece.flush)
    return received


class _Piece:
    """One PATCH's bytes; with a checksum they wait beside the upload until it proves right."""

    def __init__(self, uploads: Uploads, upload: Upload, promised: str | None) -> None:
        self._uploads, self._upload = uploads, upload
        self._hash, self._expected = checksum(promised)
        self._pieces: list[bytes] = []
        self.waiting_bytes = 0
        self._aside = uploads.aside() if self._hash is not None else None

    def take(self, chunk: bytes) -> None:
        self._pieces.append(chunk)
        self.waiting_bytes += len(chunk)

    def flush(self) -> None:
        pieces, self._pieces, self.waiting_bytes = self._pieces, [], 0
        if self._aside is None:
            self._uploads.append(self._upload, pieces)
            return
        for piece in pieces:
            self._hash.update(piece)
            self._aside.write(piece)

    def keep(self) -> None:
        """Raises ChecksumMismatch (460)."""
        self.flush()
        if self._aside is None:
            return
        if self._hash.digest() != self._expected:
            raise ChecksumMismatch
        self._uploads.append_file(self._upload, self._aside)

    def interrupt(self) -> None:
        if self._aside is None:
            self.flush()

    def drop(self) -> None:
        self._pieces, self.waiting_bytes = [], 0

    def close(self) -> None:
        if self._aside is not None:
            self._aside.close()
