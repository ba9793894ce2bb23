"""Resumable uploads by tus 1.0, with lost connections and killed servers."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import anyio
import pytest
from httpx2 import Response
from starlette.requests import ClientDisconnect, Request
from starlette.testclient import TestClient

from commands.vault import uploads as routes
from kit.caller import Caller
from tests.integration.http.app import MAX_UPLOAD_BYTES, Installation, upload

TUS = {"Tus-Resumable": "1.0.0"}
PIECE = {**TUS, "Content-Type": "application/offset+octet-stream"}
DATA = bytes(range(256)) * 5000


def b64(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def create(
    client: TestClient, size: int = len(DATA), name: str = "long.wav", **more: str
) -> Response:
    headers = {"Upload-Length": str(size), "Upload-Metadata": f"filename {b64(name)}"}
    return client.post("/api/uploads", headers={**TUS, **headers, **more})


def patch(client: TestClient, url: str, offset: int, data: bytes, **more: str) -> Response:
    headers = {**PIECE, "Upload-Offset": str(offset), **more}
    return client.patch(url, content=data, headers=headers)


def head(client: TestClient, url: str) -> Response:
    return client.head(url, headers=TUS)


def test_options_tell_what_is_possible_without_a_session(installation: Installation) -> None:
    answer = installation.browser().options("/api/uploads")
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    extensions = set(answer.headers["Tus-Extension"].split(","))
    assert {"creation", "checksum", "expiration", "termination"} <= extensions
    assert answer.headers["Tus-Max-Size"] == str(MAX_UPLOAD_BYTES)
    assert set(answer.headers["Tus-Checksum-Algorithm"].split(",")) == {"sha1", "sha256", "md5"}


def test_pieces_become_an_asset(installation: Installation, musician: TestClient) -> None:
    created = create(musician)
    assert created.status_code == 201
    assert created.headers["Tus-Resumable"] == "1.0.0"
    assert "GMT" in created.headers["Upload-Expires"]
    url = created.headers["Location"]
    first = patch(musician, url, 0, DATA[:700_001])
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, "700001")
    assert "NoCulture-Asset" not in first.headers
    found = head(musician, url)
    assert found.headers["Upload-Offset"] == "700001"
    assert found.headers["Upload-Length"] == str(len(DATA))
    assert found.headers["Upload-Metadata"] == f"filename {b64('long.wav')}"
    assert found.headers["Cache-Control"] == "no-store"
    last = patch(musician, url, 700_001, DATA[700_001:])
    assert last.status_code == 204
    assert last.headers["NoCulture-Asset"].startswith("ast_")
    assert "NoCulture-Duplicate" not in last.headers
    assert int(last.headers["Event-Position"]) == installation.log.events.head()
    event = installation.events()[-1].data
    sha256 = hashlib.sha256(DATA).hexdigest()
    assert (event.asset_id, event.filename, event.sha256, event.size_bytes) == (
        last.headers["NoCulture-Asset"],
        "long.wav",
        sha256,
        len(DATA),
    )
    assert installation.objects.read(musician.account["workspace_id"], sha256) == DATA
    after = head(musician, url)
    assert after.headers["Upload-Offset"] == str(len(DATA))
    assert after.headers["NoCulture-Asset"] == last.headers["NoCulture-Asset"]


def test_a_file_that_is_there_is_named_as_duplicate(
    installation: Installation, musician: TestClient
) -> None:
    asset_id = upload(musician, DATA).json()["id"]
    url = create(musician).headers["Location"]
    last = patch(musician, url, 0, DATA)
    assert last.headers["NoCulture-Asset"] == asset_id
    assert last.headers["NoCulture-Duplicate"] == "true"
    assert head(musician, url).headers["NoCulture-Duplicate"] == "true"


def test_creation_may_bring_the_first_piece_or_all(musician: TestClient) -> None:
    headers = {**PIECE, "Upload-Length": str(len(DATA))}
    part = musician.post("/api/uploads", content=DATA[:1000], headers=headers)
    assert (part.status_code, part.headers["Upload-Offset"]) == (201, "1000")
    last = patch(musician, part.headers["Location"], 1000, DATA[1000:])
    whole = musician.post("/api/uploads", content=DATA, headers=headers)
    assert whole.status_code == 201
    assert whole.headers["NoCulture-Asset"] == last.headers["NoCulture-Asset"]
    assert whole.headers["NoCulture-Duplicate"] == "true"


def test_a_wrong_offset_is_refused_with_the_right_one(musician: TestClient) -> None:
    url = create(musician).headers["Location"]
    patch(musician, url, 0, DATA[:100])
    for offset in (0, 99, 101, len(DATA)):
        answer = patch(musician, url, offset, DATA[:10])
        assert (answer.status_code, answer.json()["code"]) == (409, "offset-mismatch")
        assert answer.json()["offset"] == 100
        assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert head(musician, url).headers["Upload-Offset"] == "100"


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "md5"])
def test_a_damaged_piece_is_dropped_whole(musician: TestClient, algorithm: str) -> None:
    url = create(musician).headers["Location"]
    right = b64(hashlib.new(algorithm, DATA[:900_000]).digest())
    damaged = DATA[:899_999] + b"!"
    answer = patch(musician, url, 0, damaged, **{"Upload-Checksum": f"{algorithm} {right}"})
    assert (answer.status_code, answer.json()["code"]) == (460, "checksum-mismatch")
    assert head(musician, url).headers["Upload-Offset"] == "0"
    good = patch(musician, url, 0, DATA[:900_000], **{"Upload-Checksum": f"{algorithm} {right}"})
    assert (good.status_code, good.headers["Upload-Offset"]) == (204, "900000")
    assert "NoCulture-Asset" in patch(musician, url, 900_000, DATA[900_000:]).headers


@pytest.mark.parametrize("checksum", ["crc32 AAAA", "sha1 not*base64", "sha1"])
def test_a_checksum_that_cannot_be_checked_is_refused(musician: TestClient, checksum: str) -> None:
    url = create(musician).headers["Location"]
    answer = patch(musician, url, 0, DATA, **{"Upload-Checksum": checksum})
    assert answer.status_code in (400, 460)
    assert head(musician, url).headers["Upload-Offset"] == "0"


def test_more_than_was_announced_is_refused_and_dropped(musician: TestClient) -> None:
    url = create(musician, size=1000).headers["Location"]
    patch(musician, url, 0, DATA[:500])
    announced = patch(musician, url, 500, DATA[:501])
    assert announced.status_code == 413

    def unannounced():
        yield DATA[:300]
        yield DATA[:300]

    headers = {**PIECE, "Upload-Offset": "500"}
    assert musician.patch(url, content=unannounced(), headers=headers).status_code == 413
    assert head(musician, url).headers["Upload-Offset"] == "500"


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Upload-Length": str(MAX_UPLOAD_BYTES + 1)}, 413, "file-too-large"),
        ({"Upload-Length": "0"}, 422, "empty-file"),
        ({"Upload-Length": "-1"}, 422, "header-missing"),
        ({"Upload-Length": "many"}, 422, "header-missing"),
        ({"Upload-Length": "٣"}, 422, "header-missing"),
        ({}, 422, "header-missing"),
        ({"Upload-Defer-Length": "1"}, 422, "length-needed"),
        ({"Upload-Length": "5", "Upload-Metadata": "filename ***"}, 422, "invalid-metadata"),
        ({"Upload-Length": "5", "Upload-Metadata": "filename /w=="}, 422, "invalid-metadata"),
        ({"Upload-Length": "5", "Upload-Metadata": "a " + "A" * 9000}, 422, "invalid-metadata"),
    ],
)
def test_a_wrong_announcement_is_refused(
    musician: TestClient, headers: dict[str, str], status: int, code: str
) -> None:
    raw = [(name.encode(), value.encode()) for name, value in {**TUS, **headers}.items()]
    answer = musician.post("/api/uploads", headers=raw)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_every_request_names_the_protocols_version(musician: TestClient) -> None:
    url = create(musician).headers["Location"]
    for answer in (
        musician.post("/api/uploads", headers={"Upload-Length": "5"}),
        musician.head(url, headers={"Tus-Resumable": "0.2.2"}),
        musician.delete(url),
    ):
        assert answer.status_code == 412
        assert answer.headers["Tus-Version"] == "1.0.0"


def test_a_piece_has_its_own_content_type(musician: TestClient) -> None:
    url = create(musician).headers["Location"]
    headers = {**TUS, "Upload-Offset": "0", "Content-Type": "application/json"}
    assert musician.patch(url, content=b"{}", headers=headers).status_code == 415


def test_anothers_upload_does_not_exist(installation: Installation, musician: TestClient) -> None:
    url = create(musician).headers["Location"]
    other = installation.signed_up()
    for path in (url, "/api/uploads/upl_" + "0" * 32, "/api/uploads/..%2f..%2fetc%2fpasswd"):
        assert head(other, path).status_code == 404
        assert patch(other, path, 0, b"x").status_code in (404, 405)
        assert other.delete(path, headers=TUS).status_code in (404, 405)
    assert head(installation.browser(), url).status_code == 401
    assert head(musician, url).status_code == 200


def test_a_cancelled_upload_is_gone_with_its_bytes(
    installation: Installation, musician: TestClient
) -> None:
    url = create(musician).headers["Location"]
    patch(musician, url, 0, DATA[:100])
    assert musician.delete(url, headers=TUS).status_code == 204
    assert head(musician, url).status_code == 404
    assert list(installation.objects.staging.iterdir()) == []


def test_methods_may_be_overridden(musician: TestClient) -> None:
    url = create(musician).headers["Location"]
    headers = {**PIECE, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    answer = musician.post(url, content=DATA, headers=headers)
    assert (answer.status_code, "NoCulture-Asset" in answer.headers) == (204, True)
    url = create(musician).headers["Location"]
    assert (
        musician.post(url, headers={**TUS, "X-HTTP-Method-Override": "DELETE"}).status_code == 204
    )
    assert musician.post(url, headers=TUS).status_code == 405


def test_an_abandoned_upload_expires_and_its_bytes_go(
    installation: Installation, musician: TestClient
) -> None:
    url = create(musician).headers["Location"]
    patch(musician, url, 0, DATA[:100])
    with installation.pool.connection() as connection:
        connection.execute("UPDATE uploads SET expires_at = now() - interval '1 second'")
    assert head(musician, url).status_code == 410
    assert patch(musician, url, 100, b"x").json()["code"] == "upload-expired"
    create(musician)
    upload_id = url.rpartition("/")[2]
    left = [path.name for path in installation.objects.staging.iterdir()]
    assert not [name for name in left if name.startswith(upload_id)]
    assert head(musician, url).status_code == 410


def test_a_piece_at_a_time(installation: Installation, musician: TestClient) -> None:
    url = create(musician).headers["Location"]
    found = installation.uploads.find(caller_of(musician), url.rpartition("/")[2])
    with installation.uploads.locked(found):
        answer = patch(musician, url, 0, DATA)
        assert (answer.status_code, answer.json()["code"]) == (423, "upload-locked")
        assert answer.headers["Retry-After"] == "1"
    assert patch(musician, url, 0, DATA).status_code == 204


def caller_of(client: TestClient) -> Caller:
    return Caller(client.account["id"], client.account["workspace_id"])


async def _interrupted(
    installation: Installation, client: TestClient, url: str, data: bytes, **headers: str
) -> None:
    """One PATCH whose connection breaks after `data`."""

    async def receive() -> dict[str, object]:
        return messages.pop(0)

    messages: list[dict[str, object]] = [
        {"type": "http.request", "body": data, "more_body": True},
        {"type": "http.disconnect"},
    ]
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    request = Request({"type": "http", "method": "PATCH", "headers": raw}, receive)
    found = installation.uploads.find(caller_of(client), url.rpartition("/")[2])
    with pytest.raises(ClientDisconnect):
        await routes._receive(request, installation.uploads, caller_of(client), found, 0)


def test_what_arrived_before_a_lost_connection_stays(
    installation: Installation, musician: TestClient
) -> None:
    url = create(musician).headers["Location"]
    anyio.run(_interrupted, installation, musician, url, DATA[:12_345])
    assert head(musician, url).headers["Upload-Offset"] == "12345"
    last = patch(musician, url, 12_345, DATA[12_345:])
    assert last.headers["NoCulture-Asset"].startswith("ast_")
    assert installation.events()[-1].data.sha256 == hashlib.sha256(DATA).hexdigest()


def test_half_a_piece_with_a_checksum_does_not_stay(
    installation: Installation, musician: TestClient
) -> None:
    url = create(musician).headers["Location"]
    checksum = f"sha1 {b64(hashlib.sha1(DATA).digest())}"

    async def interrupted() -> None:
        await _interrupted(
            installation, musician, url, DATA[:12_345], **{"Upload-Checksum": checksum}
        )

    anyio.run(interrupted)
    assert head(musician, url).headers["Upload-Offset"] == "0"
    assert [p for p in installation.objects.staging.iterdir() if p.suffix == ".piece"] == []


def whole_but_unfinished(installation: Installation, client: TestClient) -> tuple[str, Path]:
    """All bytes staged, and then the server was killed."""
    url = create(client).headers["Location"]
    path = installation.uploads.path(url.rpartition("/")[2])
    path.write_bytes(DATA)
    return url, path


def test_asking_for_the_offset_finishes_what_a_killed_server_left(
    installation: Installation, musician: TestClient
) -> None:
    url, _ = whole_but_unfinished(installation, musician)
    found = head(musician, url)
    assert found.headers["Upload-Offset"] == str(len(DATA))
    assert found.headers["NoCulture-Asset"].startswith("ast_")
    assert installation.types().count("asset.uploaded") == 1


def test_a_server_killed_after_moving_the_bytes_loses_nothing(
    installation: Installation, musician: TestClient
) -> None:
    url, path = whole_but_unfinished(installation, musician)
    sha256 = hashlib.sha256(DATA).hexdigest()
    with installation.pool.connection() as connection:
        connection.execute("UPDATE uploads SET sha256 = %s", (sha256,))
    installation.objects.put_file(musician.account["workspace_id"], sha256, path)
    found = head(musician, url)
    assert found.headers["NoCulture-Asset"].startswith("ast_")
    assert installation.types().count("asset.uploaded") == 1


def test_a_server_killed_after_the_append_names_the_same_asset(
    installation: Installation, musician: TestClient
) -> None:
    url = create(musician).headers["Location"]
    last = patch(musician, url, 0, DATA)
    with installation.pool.connection() as connection:
        connection.execute("UPDATE uploads SET asset_id = NULL")
    for again in (head(musician, url), patch(musician, url, len(DATA), b"")):
        assert again.headers["NoCulture-Asset"] == last.headers["NoCulture-Asset"]
        assert "NoCulture-Duplicate" not in again.headers
    assert installation.types().count("asset.uploaded") == 1


def test_staged_bytes_that_vanished_are_said_to_be_lost(
    installation: Installation, musician: TestClient
) -> None:
    url = create(musician).headers["Location"]
    installation.uploads.path(url.rpartition("/")[2]).unlink()
    assert head(musician, url).status_code == 410
    assert patch(musician, url, 0, b"x").json()["code"] == "upload-lost"
