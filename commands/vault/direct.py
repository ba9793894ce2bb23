"""Uploads straight to an S3 store: we hand out an address for one PUT and check what arrived."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from commands.vault.assets import Kept, answer_kept
from commands.vault.resumable import LIFE, Upload, Uploads
from commands.vault.staging import MAX_FILENAME, MAX_PATH, FileTooLarge, clean_filename, clean_path
from events.errors import NoCultureError
from events.vault.audio import Sha256
from gateways.ports.objects import ObjectStore
from kit.auth import Authenticate
from kit.caller import Caller
from kit.openapi import problems
from kit.threads import in_thread
from schemas.text import Opaque, Ref
from schemas.vault.dto import DirectUpload, UploadedAsset

EXPIRES_S = 600
# The store looks at the time only when a PUT begins: 5 GiB take so long at 15 Mbit/s.
PUT_LASTS_S = 3000
# A condition on rows of `uploads`. An address once given cannot be taken back: bytes may come to
# it until its time is over.
MAY_ARRIVE = (
    "(promised_sha256 IS NOT NULL AND expires_at > clock_timestamp()"
    f" + make_interval(secs => {LIFE.total_seconds() - EXPIRES_S - PUT_LASTS_S:.0f}))"
)
# S3 takes no more in one PUT; larger files go by tus.
MAX_DIRECT_BYTES = 5 * 1024**3


class DirectUploadUnavailable(NoCultureError):
    status, code = 409, "direct-upload-unavailable"

    def __init__(self) -> None:
        super().__init__(
            "Files are kept by this installation itself: upload by tus at POST /api/uploads"
        )


class NotDirect(NoCultureError):
    status, code = 409, "not-a-direct-upload"

    def __init__(self) -> None:
        super().__init__("This upload goes by tus: send its pieces to /api/uploads/{id}")


class AnnouncedFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    filename: Annotated[str, Opaque(MAX_FILENAME)]
    size_bytes: int = Field(gt=0)
    sha256: Sha256
    path: Annotated[str, Opaque(MAX_PATH)] | None = None


class DirectUploads:
    def __init__(self, uploads: Uploads, objects: ObjectStore) -> None:
        self._uploads, self._objects = uploads, objects

    def announce(self, caller: Caller, file: AnnouncedFile) -> DirectUpload:
        """An address for one PUT of exactly these bytes.

        Raises FileTooLarge and QuotaExceeded (413), DirectUploadUnavailable (409).
        """
        if file.size_bytes > MAX_DIRECT_BYTES:
            raise FileTooLarge(MAX_DIRECT_BYTES)
        if not self._objects.takes_puts:
            raise DirectUploadUnavailable
        name = clean_filename(file.filename)
        upload = self._uploads.create(
            caller, file.size_bytes, name, None, file.sha256, clean_path(file.path)
        )
        put = self._objects.presign_put(
            caller.workspace_id,
            upload.upload_id,
            sha256=file.sha256,
            size_bytes=file.size_bytes,
            expires_s=EXPIRES_S,
        )
        return DirectUpload(
            id=upload.upload_id,
            method="PUT",
            url=put.url,
            headers=put.headers,
            expires_in_s=EXPIRES_S,
            complete=f"/api/uploads/direct/{upload.upload_id}/complete",
        )

    def complete(self, caller: Caller, upload_id: str) -> Kept:
        """Make the asset of what arrived; again after a crash it gives the same asset.

        Raises NotFound (404), UploadExpired (410), NotArrived (409), NotAsPromised (422).
        """
        upload = self._uploads.find(caller, upload_id)
        if upload.promised_sha256 is None:
            raise NotDirect
        with self._uploads.locked(upload):
            if upload.sha256 is None:
                self._take_in(upload, upload.promised_sha256)
            return self._uploads.finish(caller, upload)

    def _take_in(self, upload: Upload, sha256: str) -> None:
        self._objects.take_in(upload.workspace_id, upload.upload_id, sha256, upload.size_bytes)
        self._uploads.arrived(upload, sha256)
        self._objects.drop_put(upload.workspace_id, upload.upload_id)


def router(direct: DirectUploads, authenticated: Authenticate) -> APIRouter:
    routes = APIRouter(prefix="/api/uploads/direct", tags=["uploads"])
    writer = Depends(authenticated("assets:write"))

    @routes.post(
        "",
        status_code=201,
        operation_id="createDirectUpload",
        responses=problems(401, 403, 409, 413, 422, 429, 503),
    )
    async def create_direct_upload(file: AnnouncedFile, caller: Caller = writer) -> DirectUpload:
        """An address of the object store for one PUT of exactly these bytes, for ten minutes."""
        return await in_thread(direct.announce, caller, file)

    @routes.post(
        "/{upload_id}/complete",
        status_code=202,
        operation_id="completeDirectUpload",
        responses=problems(401, 403, 404, 409, 410, 422, 423, 429, 503),
    )
    async def complete_direct_upload(
        upload_id: Ref, response: Response, caller: Caller = writer
    ) -> UploadedAsset:
        """The bytes are there: check them and keep them as an asset."""
        kept = await in_thread(direct.complete, caller, upload_id)
        answer_kept(response, kept)
        return kept.answer

    return routes
