"""The headers of tus 1.0: what clients send is checked here, with the protocol's own statuses."""

from __future__ import annotations

import base64
import binascii
import hashlib
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from fastapi import Request

from commands.vault.assets import Kept
from events.errors import NoCultureError
from kit.problems import add_headers

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,checksum,expiration,termination"
ALGORITHMS = {"sha1": hashlib.sha1, "sha256": hashlib.sha256, "md5": hashlib.md5}
PIECE_TYPE = "application/offset+octet-stream"
MAX_METADATA = 8 * 1024


class TusProblem(NoCultureError):
    """A tus client's mistake; each status is the protocol's own."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status, self.code = status, code
        super().__init__(message)


class WrongTusVersion(NoCultureError):
    status, code = 412, "tus-version"
    headers = {"Tus-Version": VERSION}

    def __init__(self) -> None:
        super().__init__(f"Send Tus-Resumable: {VERSION}")


class OffsetMismatch(NoCultureError):
    status, code = 409, "offset-mismatch"

    def __init__(self, offset: int) -> None:
        self.offset = offset
        super().__init__(f"This upload is at {offset}: continue there")

    @property
    def details(self) -> dict[str, object]:
        return {"offset": self.offset}


class ChecksumMismatch(NoCultureError):
    status, code = 460, "checksum-mismatch"

    def __init__(self) -> None:
        super().__init__("The piece arrived damaged and was dropped: send it again")


async def tus_version(request: Request) -> None:
    """Dependency: every answer names the version; every request must, or it is a 412."""
    add_headers(request, Tus_Resumable=VERSION)
    if request.headers.get("tus-resumable") != VERSION:
        raise WrongTusVersion


def length(request: Request) -> int:
    if "upload-defer-length" in request.headers:
        raise TusProblem(422, "length-needed", "Send Upload-Length: it cannot come later here")
    return number(request, "upload-length")


def number(request: Request, name: str) -> int:
    text = request.headers.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        title = name.title()
        raise TusProblem(422, "header-missing", f"Send {title} as a whole number of bytes")
    return int(text)


def checksum(header: str | None) -> tuple[Any, bytes]:
    if header is None:
        return None, b""
    name, _, encoded = header.strip().partition(" ")
    algorithm = ALGORITHMS.get(name)
    if algorithm is None:
        known = ", ".join(ALGORITHMS)
        raise TusProblem(400, "checksum-algorithm", f"Checksums can be made with {known}")
    try:
        expected = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise TusProblem(400, "invalid-checksum", "The checksum must be base64") from error
    # The protocol's words: these guard against damage on the way, not against forgers.
    return algorithm(usedforsecurity=False), expected


def file_name(said: dict[str, str]) -> str:
    """`filename`, or `name` as some clients say; else the end of its path."""
    return said.get("filename") or said.get("name") or file_path(said) or ""


def file_path(said: dict[str, str]) -> str | None:
    """Where the file lay in the folder that was chosen: `path`, or `relativePath` as Uppy says."""
    return said.get("path") or said.get("relativePath") or None


def said_of_file(metadata: str | None) -> dict[str, str]:
    """Upload-Metadata as text by name."""
    if metadata is None:
        return {}
    if len(metadata) > MAX_METADATA:
        raise TusProblem(422, "invalid-metadata", "Upload-Metadata is too long")
    if not (metadata.isascii() and metadata.isprintable()):
        raise TusProblem(422, "invalid-metadata", "Upload-Metadata must be printable ASCII")
    found: dict[str, str] = {}
    for pair in metadata.split(","):
        name, _, encoded = pair.strip().partition(" ")
        try:
            found[name] = base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, ValueError) as error:
            raise TusProblem(
                422, "invalid-metadata", "Upload-Metadata must be `key base64, key base64`"
            ) from error
    return found


def digest_header(digest: bytes) -> dict[str, str]:
    """A byte sequence of RFC 9651, as Content-Digest has them."""
    return {"NoCulture-Digest": f"sha-256-8mib=:{base64.b64encode(digest).decode()}:"}


def kept_headers(kept: Kept) -> dict[str, str]:
    named = asset_headers(kept.answer.id, kept.answer.duplicate)
    if kept.restored:
        named["NoCulture-Restored"] = "true"
    return {**named, "Event-Position": str(kept.position)}


def asset_headers(asset_id: str, duplicate: bool) -> dict[str, str]:
    headers = {"NoCulture-Asset": asset_id}
    if duplicate:
        headers["NoCulture-Duplicate"] = "true"
    return headers


def http_date(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)
