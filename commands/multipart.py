"""A file out of a multipart form, streamed: neither its size nor the form's costs memory."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from streaming_form_data import (  # type: ignore[import-untyped]
    ParseFailedException,
    StreamingFormDataParser,
)
from streaming_form_data.targets import BaseTarget  # type: ignore[import-untyped]

from commands.staging import MAX_FILENAME, Receiving
from events.errors import NoCultureError

FIELD, PATH_FIELD = "file", "path"
FLUSH_BYTES = 1024 * 1024
# All that is not the file: other fields and the parts' headers.
MAX_REST_BYTES = 1024 * 1024
# Of a sent name, its end: 100,000 combining marks take seconds to be normalised.
MAX_NAME = 4 * MAX_FILENAME


class MultipartRequired(NoCultureError):
    status, code = 415, "multipart-required"

    def __init__(self) -> None:
        super().__init__("Send multipart/form-data with the audio in the part `file`")


class MalformedMultipart(NoCultureError):
    status, code = 422, "malformed-multipart"

    def __init__(self) -> None:
        super().__init__("The multipart body is broken or ends early: send the file again")


class FilePartMissing(NoCultureError):
    status, code = 422, "file-missing"

    def __init__(self) -> None:
        super().__init__("No part named `file` was sent: put the audio into it")


class OneFileOnly(NoCultureError):
    status, code = 422, "one-file-only"

    def __init__(self) -> None:
        super().__init__("Send one `file` a request")


class FormTooLarge(NoCultureError):
    status, code = 413, "body-too-large"

    def __init__(self) -> None:
        super().__init__("The form is too large beside its file: send only `file` and `path`")


@dataclass(frozen=True, slots=True)
class SentFile:
    """What the form says of its file, as it was sent; `path` is where it lay in a folder."""

    filename: str | None
    path: str | None


class _FilePart(BaseTarget):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []
        self.size_bytes = self.received_bytes = 0
        self.finished = False
        self.found = 0

    def on_start(self) -> None:
        self.found += 1

    def on_data_received(self, chunk: bytes) -> None:
        self.pieces.append(chunk)
        self.size_bytes += len(chunk)
        self.received_bytes += len(chunk)

    def on_finish(self) -> None:
        self.finished = True

    def take(self) -> list[bytes]:
        pieces, self.pieces, self.size_bytes = self.pieces, [], 0
        return pieces


class _TextPart(BaseTarget):  # type: ignore[misc]
    """A short field; MAX_REST_BYTES bounds it."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def on_start(self) -> None:
        self._pieces = []

    def on_data_received(self, chunk: bytes) -> None:
        self._pieces.append(chunk)

    def text(self) -> str | None:
        """Raises MalformedMultipart (422)."""
        try:
            return b"".join(self._pieces).decode() or None
        except UnicodeDecodeError as error:
            raise MalformedMultipart from error


async def receive_file(request: Request, receiving: Receiving, max_bytes: int) -> SentFile:
    """Write the part `file` into `receiving`. Raises 413, 415, 422."""
    part, path = _FilePart(), _TextPart()
    parser = _parser(request, part, path)
    read = 0
    # A refusal leaves the rest unread: the server answers and throws it away (200 MB tried).
    async for chunk in request.stream():
        read += len(chunk)
        if read > max_bytes + MAX_REST_BYTES:
            raise FormTooLarge
        _parse(parser, chunk)
        if read - part.received_bytes > MAX_REST_BYTES:  # a thousand other parts
            raise FormTooLarge
        if part.found > 1:
            raise OneFileOnly
        if part.size_bytes >= FLUSH_BYTES:
            await run_in_threadpool(receiving.write, part.take())
    await run_in_threadpool(receiving.write, part.take())
    if part.found == 0:
        raise FilePartMissing
    if not part.finished:
        raise MalformedMultipart
    name: str | None = part.multipart_filename
    # Browsers write a quote in a file name like this, and nothing else (WHATWG HTML §4.10.21.8).
    return SentFile(name[-MAX_NAME:].replace("%22", '"') if name else None, path.text())


def _parser(request: Request, part: _FilePart, path: _TextPart) -> StreamingFormDataParser:
    content_type = request.headers.get("content-type", "")
    try:
        parser = StreamingFormDataParser({"Content-Type": content_type})
    except ParseFailedException as error:
        raise MultipartRequired from error
    parser.register(FIELD, part)
    parser.register(PATH_FIELD, path)
    return parser


def _parse(parser: StreamingFormDataParser, chunk: bytes) -> None:
    try:
        parser.data_received(chunk)
    except (ParseFailedException, UnicodeDecodeError) as error:
        raise MalformedMultipart from error
