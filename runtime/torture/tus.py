"""A resumable upload as a client with a bad connection makes it: in pieces, asking where it was."""

from __future__ import annotations

import base64
import hashlib
from random import Random

import httpx2

from commands.vault.tus_headers import PIECE_TYPE, VERSION
from events.ids import CommandId
from runtime.torture.client import Call, Client, Unanswered
from runtime.torture.journal import Deed
from runtime.torture.music import Recording

# The offset is not where the client thought, or somebody's lost request still writes.
ASK_AGAIN = {409, 423, 429, 460}


def upload_in_pieces(
    client: Client, random: Random, recording: Recording, kind: str
) -> Deed | None:
    """The command of this upload; None when the upload itself could not be announced."""
    name = base64.b64encode(recording.filename.encode()).decode()
    try:
        created = client.ask(
            lambda http: http.post(
                "/api/uploads",
                headers={
                    "Tus-Resumable": VERSION,
                    "Upload-Length": str(len(recording.data)),
                    "Upload-Metadata": f"filename {name}",
                },
            )
        )
    except Unanswered:
        return None
    if created.status_code != 201:
        client.journal.surprise(f"POST /api/uploads: {created.status_code} {created.text[:200]}")
        return None
    path = created.headers["Location"]
    deed = client.journal.begin(
        kind,
        CommandId.derived("upload", path.rpartition("/")[2]),
        sha256=hashlib.sha256(recording.data).hexdigest(),
        filename=recording.filename,
    )
    try:
        return _send(client, random, recording, path, deed)
    except Unanswered:
        return client.journal.end(deed, "unknown")


def _send(client: Client, random: Random, recording: Recording, path: str, deed: Deed) -> Deed:
    size = len(recording.data)
    piece_bytes = max(1, size // random.randint(1, 4))
    offset = 0
    while True:
        deed.tries += 1
        try:
            answer = client.once(_piece(path, recording, offset, piece_bytes))
        except httpx2.TransportError:
            answer = None
        if answer is not None and "NoCulture-Asset" in answer.headers:
            return _kept(client, deed, answer)
        if answer is not None and answer.is_success:
            offset = int(answer.headers["Upload-Offset"])
            continue
        if answer is not None and answer.status_code < 500 and answer.status_code not in ASK_AGAIN:
            return client.note(deed, answer)
        client.pause()
        where = client.ask(lambda http: http.head(path, headers={"Tus-Resumable": VERSION}))
        if "NoCulture-Asset" in where.headers:
            return _kept(client, deed, where)
        if not where.is_success:
            return client.note(deed, where)
        offset = int(where.headers["Upload-Offset"])


def _piece(path: str, recording: Recording, offset: int, piece_bytes: int) -> Call:
    piece = recording.data[offset : offset + piece_bytes]
    digest = base64.b64encode(hashlib.sha256(piece).digest()).decode()
    headers = {
        "Tus-Resumable": VERSION,
        "Content-Type": PIECE_TYPE,
        "Upload-Offset": str(offset),
        "Upload-Checksum": f"sha256 {digest}",
    }
    return lambda http: http.patch(path, content=piece, headers=headers)


def _kept(client: Client, deed: Deed, answer: httpx2.Response) -> Deed:
    deed.stream_id = answer.headers["NoCulture-Asset"]
    duplicate = answer.headers.get("NoCulture-Duplicate") == "true"
    deed.content["duplicate"] = duplicate
    return client.note(deed, answer)
