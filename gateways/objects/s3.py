"""The object store in an S3-compatible bucket: big files go up in parts, reads are ranged."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import NotFoundError
from obstore.store import S3Store

from gateways.objects.folder import (
    CHUNK_BYTES,
    BlobNotFound,
    NotArrived,
    NotAsPromised,
    Unguarded,
    blob_key,
    drop_staged,
    put_key,
    staged_path,
    workspace_folder,
)
from gateways.objects.s3_presign import S3Keys, presign_put
from gateways.ports.objects import LocalCopy, PresignedPut

PART_BYTES = 16 * 1024 * 1024


class S3ObjectStore(Unguarded):
    """`staging` is a local folder: unfinished uploads and temporary copies live there."""

    def __init__(
        self,
        *,
        bucket: str,
        staging: Path,
        prefix: str = "",
        endpoint: str = "",
        region: str = "us-east-1",
        access_key: str = "",
        secret_key: str = "",
    ) -> None:
        options: dict[str, Any] = {"region": region, "virtual_hosted_style_request": False}
        if endpoint:
            options["endpoint"] = endpoint
        if access_key:
            # Without keys obstore looks where AWS tools do: environment, profile, instance role.
            options["access_key_id"], options["secret_access_key"] = access_key, secret_key
        self._store = S3Store(
            bucket,
            prefix=prefix or None,
            client_options={"allow_http": endpoint.startswith("http://")},
            **options,
        )
        address = endpoint.rstrip("/") or f"https://s3.{region}.amazonaws.com"
        self._address = "/".join(filter(None, (address, bucket, prefix)))
        self._region, self._keys = region, _keys(access_key, secret_key)
        self.staging = Path(staging)
        self.staging.mkdir(parents=True, exist_ok=True)

    def put_file(self, workspace_id: str, sha256: str, source: Path) -> None:
        """Uploads `source`; afterwards it is gone from where it was."""
        key = blob_key(workspace_id, sha256)
        if self.size(workspace_id, sha256) != source.stat().st_size:
            obstore.put(self._store, key, source, chunk_size=PART_BYTES)
        source.unlink()

    def put_bytes(self, workspace_id: str, sha256: str, data: bytes) -> None:
        obstore.put(self._store, blob_key(workspace_id, sha256), data)

    def size(self, workspace_id: str, sha256: str) -> int | None:
        try:
            return int(obstore.head(self._store, blob_key(workspace_id, sha256))["size"])
        except (NotFoundError, FileNotFoundError):
            return None

    def read_range(
        self, workspace_id: str, sha256: str, start: int, length: int
    ) -> Iterator[bytes]:
        size = self.size(workspace_id, sha256)
        if size is None:
            raise BlobNotFound(sha256)
        end = min(start + length, size)
        return self._chunks(blob_key(workspace_id, sha256), start, end)

    def read(self, workspace_id: str, sha256: str) -> bytes:
        try:
            return bytes(obstore.get(self._store, blob_key(workspace_id, sha256)).bytes())
        except (NotFoundError, FileNotFoundError) as error:
            raise BlobNotFound(sha256) from error

    @contextmanager
    def _downloaded(self, workspace_id: str, sha256: str) -> Iterator[Path]:
        copy = staged_path(self.staging, "copy", workspace_id)
        try:
            with copy.open("xb") as file:
                for chunk in self.read_range(workspace_id, sha256, 0, 1 << 62):
                    file.write(chunk)
            yield copy
        finally:
            copy.unlink(missing_ok=True)

    def local_copy(self, workspace_id: str, sha256: str) -> LocalCopy:
        return self._downloaded(workspace_id, sha256)

    @property
    def takes_puts(self) -> bool:
        """Signing needs the keys themselves; those of an instance's role only obstore knows."""
        return self._keys is not None

    def presign_put(
        self, workspace_id: str, name: str, *, sha256: str, size_bytes: int, expires_s: int
    ) -> PresignedPut:
        assert self._keys is not None
        return presign_put(
            f"{self._address}/{put_key(workspace_id, name)}",
            self._region,
            self._keys,
            sha256=sha256,
            size_bytes=size_bytes,
            expires_s=expires_s,
            now=datetime.now(UTC),
        )

    def take_in(self, workspace_id: str, name: str, sha256: str, size_bytes: int) -> None:
        sent, key = put_key(workspace_id, name), blob_key(workspace_id, sha256)
        try:
            found = int(obstore.head(self._store, sent)["size"])
        except (NotFoundError, FileNotFoundError) as error:
            # An earlier attempt moved the file in and ended before it could say so.
            if self.size(workspace_id, sha256) == size_bytes:
                return
            raise NotArrived from error
        if found != size_bytes or self._sha256(sent, found) != sha256:
            obstore.delete(self._store, sent)
            raise NotAsPromised
        obstore.copy(self._store, sent, key)

    def drop_put(self, workspace_id: str, name: str) -> None:
        with suppress(NotFoundError, FileNotFoundError):
            obstore.delete(self._store, put_key(workspace_id, name))

    def _sha256(self, key: str, size: int) -> str:
        digest = hashlib.sha256()
        for chunk in self._chunks(key, 0, size):
            digest.update(chunk)
        return digest.hexdigest()

    def delete(self, workspace_id: str, sha256: str) -> None:
        obstore.delete(self._store, blob_key(workspace_id, sha256))

    def delete_workspace(self, workspace_id: str) -> int:
        blobs = 0
        for found in obstore.list(self._store, prefix=workspace_folder(workspace_id) + "/"):
            paths = [blob["path"] for blob in found]
            obstore.delete(self._store, paths)
            blobs += len(paths)
        drop_staged(self.staging, workspace_id)
        return blobs

    def _chunks(self, key: str, start: int, end: int) -> Iterator[bytes]:
        if start >= end:
            return
        answer = obstore.get(self._store, key, options={"range": (start, end)})
        for piece in answer.stream(min_chunk_size=CHUNK_BYTES):
            data = bytes(piece)
            for at in range(0, len(data), CHUNK_BYTES):
                yield data[at : at + CHUNK_BYTES]


def _keys(access_key: str, secret_key: str) -> S3Keys | None:
    """Those of the settings, else those of the environment as AWS tools name them."""
    if access_key:
        return S3Keys(access_key, secret_key)
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    found = S3Keys(*(os.environ.get(name, "") for name in names))
    return found if found.access_key else None
