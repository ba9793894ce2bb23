"""A file out of a multipart form, streamed: neither its size nor the form's costs memory.

Its parts and their headers are few and short, whatever is sent: each part cost 0.1 ms to 10 ms with
a parser that reads headers as those of a mail, so that 15,000 of them stopped all other requests.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool

from commands.vault.staging import MAX_FILENAME, Receiving
from events.errors import NoCultureError

FIELD, PATH_FIELD = "file", "path"
FLUSH_BYTES = 1024 * 1024
# All that is not the file: other fields and the parts' headers.
MAX_REST_BYTES = 1024 * 1024
# A form has two parts of ours and a page's token; programs add a few of their own.
MAX_PARTS = 32
MAX_PART_HEADERS, MAX_PART_HEADER_BYTES = 8, 8 * 1024
MAX_CONTENT_TYPE = 1024
# Content-Disposition may hold so many, those in a name included: 8,000 semicolons take 5 ms.
MAX_PARAMETERS = 100
# Only this end of a sent name is read: 100,000 combining marks take seconds to normalise.
MAX_NAME = 4 * MAX_FILENAME
# How older clients send a name that is not ASCII (RFC 5987), if they do not send it as it is.
_EXTENDED_NAME = re.compile(rb";\s*filename\*\s*=\s*(utf-8|iso-8859-1)'[^']*'([^;\s]+)", re.I)


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
        super().__init__(
            "The form is too large beside its file, or has too many parts:"
            " send only `file` and `path`"
        )


@dataclass(frozen=True, slots=True)
class SentFile:
    """The file's names as the form sent them; `path` is where it lay in a folder."""

    filename: str | None
    path: str | None


@dataclass
class _Form:
    """Collects what the parser finds. The file's bytes wait in `pieces`, `take` empties them."""

    parts: int = 0
    files: int = 0
    received_bytes: int = 0
    finished: bool = False
    filename: str | None = None
    pieces: list[bytes] = field(default_factory=list)
    waiting_bytes: int = 0
    _path: list[bytes] = field(default_factory=list)
    _name: str = ""
    _header_name: bytes = b""
    _header_value: bytes = b""
    _disposition: bytes = b""

    def take(self) -> list[bytes]:
        pieces, self.pieces, self.waiting_bytes = self.pieces, [], 0
        return pieces

    def path(self) -> str | None:
        """Raises MalformedMultipart (422)."""
        return _text(b"".join(self._path)) or None

    def on_part_begin(self) -> None:
        self.parts += 1
        if self.parts > MAX_PARTS:
            raise FormTooLarge
        self._disposition = b""

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def on_header_end(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = self._header_value
        self._header_name = self._header_value = b""

    def on_headers_finished(self) -> None:
        if self._disposition.count(b";") > MAX_PARAMETERS:
            raise MalformedMultipart
        kind, options = parse_options_header(self._disposition)
        if kind != b"form-data" or b"name" not in options:
            raise MalformedMultipart
        self._name = _text(options[b"name"])
        if self._name == FIELD:
            self.files += 1
            if self.files > 1:
                raise OneFileOnly
            self.filename = _file_name(options.get(b"filename"), self._disposition)
        elif self._name == PATH_FIELD:
            self._path = []

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._name == FIELD:
            self.pieces.append(data[start:end])
            self.waiting_bytes += end - start
            self.received_bytes += end - start
        elif self._name == PATH_FIELD:
            self._path.append(data[start:end])

    def on_part_end(self) -> None:
        self.finished = self.finished or self._name == FIELD


async def receive_file(request: Request, receiving: Receiving, max_bytes: int) -> SentFile:
    """Write the part `file` into `receiving`. Raises 413, 415, 422."""
    form = _Form()
    parser = _parser(request, form)
    read = 0
    # A refusal leaves the rest unread: the server answers and throws it away (200 MB tried).
    async for chunk in request.stream():
        read += len(chunk)
        if read > max_bytes + MAX_REST_BYTES:
            raise FormTooLarge
        _parse(parser, chunk)
        if read - form.received_bytes > MAX_REST_BYTES:
            raise FormTooLarge
        if form.waiting_bytes >= FLUSH_BYTES:
            await run_in_threadpool(receiving.write, form.take())
    await run_in_threadpool(receiving.write, form.take())
    if form.files == 0:
        raise FilePartMissing
    if not form.finished:
        raise MalformedMultipart
    return SentFile(form.filename, form.path())


def _parser(request: Request, form: _Form) -> MultipartParser:
    content_type = request.headers.get("content-type", "")
    if len(content_type) > MAX_CONTENT_TYPE:
        raise MultipartRequired
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise MultipartRequired
    try:
        return MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": form.on_part_begin,
                "on_header_field": form.on_header_field,
                "on_header_value": form.on_header_value,
                "on_header_end": form.on_header_end,
                "on_headers_finished": form.on_headers_finished,
                "on_part_data": form.on_part_data,
                "on_part_end": form.on_part_end,
            },
            max_header_count=MAX_PART_HEADERS,
            max_header_size=MAX_PART_HEADER_BYTES,
        )
    except FormParserError as error:
        raise MultipartRequired from error


def _parse(parser: MultipartParser, chunk: bytes) -> None:
    try:
        parser.write(chunk)
    except FormParserError as error:
        raise MalformedMultipart from error


def _file_name(plain: bytes | None, disposition: bytes) -> str | None:
    """The end of the name that was sent."""
    if plain is None:
        found = _EXTENDED_NAME.search(disposition)
        if found is None:
            return None
        name = _text(unquote_to_bytes(found[2]), found[1].decode())
    else:
        name = _text(plain)
    # Browsers write a quote in a file name like this, and nothing else (WHATWG HTML §4.10.21.8).
    return name[-MAX_NAME:].replace("%22", '"') or None


def _text(sent: bytes, charset: str = "utf-8") -> str:
    try:
        return sent.decode(charset)
    except UnicodeDecodeError as error:
        raise MalformedMultipart from error
