"""Uploading by form, editing tags, deleting."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from aggregates.vault import analysis, asset
from commands.unit import CommandContext
from events.ids import AnalysisId, AssetId, CommandId, CorrelationId, WorkspaceId
from events.vault.audio import MUSICAL_KEYS, AudioFacts, Blob, Measurement, Tags
from tests.integration.http.app import MAX_UPLOAD_BYTES, Installation, upload

AUDIO = AudioFacts(duration_s=1, sample_rate_hz=44100, channels=2, codec="flac", bitrate_bps=None)
MEASURED = Measurement(
    tempo_bpm=140,
    tempo_candidates=(),
    key=None,
    key_confidence=None,
    loudness_lufs=None,
    true_peak_dbtp=None,
    energy=None,
    analyser="test",
    analyser_version=1,
)
PEAKS = Blob(sha256="0" * 64, size_bytes=1, media_type="application/octet-stream")


def in_worker(installation: Installation, owner: TestClient):
    """A unit of work of another process: the API's cache does not see what it commits."""
    from commands.unit import Commands

    context = CommandContext(
        None, owner.account["workspace_id"], CommandId.new(), CorrelationId.new()
    )
    worker = Commands(installation.log, installation.pool, installation.codec, b"i" * 32)
    return worker.unit(context, input={})


def verify(installation: Installation, owner: TestClient, asset_id: str) -> None:
    unit = in_worker(installation, owner)
    stream = AssetId(asset_id)
    unit.change(asset, stream, asset.verify, tags=Tags(), audio=AUDIO, cover=None)
    unit.commit()


def analyse(installation: Installation, owner: TestClient, asset_id: str) -> None:
    stream = AnalysisId.beside(asset_id)
    unit = in_worker(installation, owner)
    unit.start(
        analysis,
        stream,
        analysis.request,
        asset_id=AssetId(asset_id),
        workspace_id=WorkspaceId(owner.account["workspace_id"]),
        sha256="0" * 64,
    )
    unit.change(analysis, stream, analysis.complete, measurement=MEASURED, peaks=PEAKS)
    unit.commit()


@pytest.fixture
def verified(installation: Installation, musician: TestClient) -> str:
    asset_id = upload(musician, b"verified bytes").json()["id"]
    verify(installation, musician, asset_id)
    return asset_id


def staged_files(installation: Installation) -> list[Path]:
    return list(installation.objects.staging.iterdir())


def test_an_upload_is_stored_then_told(installation: Installation, musician: TestClient) -> None:
    data = b"RIFF" + bytes(range(256)) * 9000
    answer = upload(musician, data, "Ünïcode 日本.wav")
    assert answer.status_code == 202
    body = answer.json()
    assert body == {"id": body["id"], "state": "uploaded", "duplicate": False}
    assert answer.headers["Location"] == f"/api/assets/{body['id']}"
    assert int(answer.headers["Event-Position"]) == installation.log.events.head()
    event = installation.events()[-1].data
    sha256 = hashlib.sha256(data).hexdigest()
    assert (event.filename, event.sha256, event.size_bytes) == (
        "Ünïcode 日本.wav",
        sha256,
        len(data),
    )
    assert event.uploaded_by == musician.account["id"]
    assert installation.objects.read(musician.account["workspace_id"], sha256) == data
    assert staged_files(installation) == []


def test_the_same_bytes_again_are_a_duplicate_and_change_nothing(
    installation: Installation, musician: TestClient
) -> None:
    first = upload(musician, b"same", "one.wav")
    again = upload(musician, b"same", "two.wav")
    assert again.status_code == 200
    assert again.json() == {"id": first.json()["id"], "state": "uploaded", "duplicate": True}
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Event-Position"] == first.headers["Event-Position"]
    assert installation.types().count("asset.uploaded") == 1


def test_a_duplicate_tells_how_far_workers_got(
    installation: Installation, musician: TestClient, verified: str
) -> None:
    assert upload(musician, b"verified bytes").json()["state"] == "verified"
    analyse(installation, musician, verified)
    answer = upload(musician, b"verified bytes")
    assert answer.json() == {"id": verified, "state": "analysed", "duplicate": True}
    assert int(answer.headers["Event-Position"]) == installation.log.events.head()


def test_racing_uploads_of_the_same_bytes_make_one_asset(
    installation: Installation, musician: TestClient
) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: upload(musician, b"raced"), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [202]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert installation.types().count("asset.uploaded") == 1


def test_workspaces_share_no_bytes(installation: Installation, musician: TestClient) -> None:
    other = installation.signed_up()
    one, two = upload(musician, b"shared hit"), upload(other, b"shared hit")
    assert (one.status_code, two.status_code) == (202, 202)
    assert one.json()["id"] != two.json()["id"]
    sha256 = hashlib.sha256(b"shared hit").hexdigest()
    installation.objects.delete(musician.account["workspace_id"], sha256)
    assert installation.objects.read(other.account["workspace_id"], sha256) == b"shared hit"


def test_the_same_upload_command_is_answered_the_same(
    installation: Installation, musician: TestClient
) -> None:
    headers = {"Idempotency-Key": "upload-1"}
    first = upload(musician, b"once", **headers)
    again = upload(musician, b"once", **headers)
    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["Idempotent-Replayed"] == "true"
    other = upload(musician, b"other bytes", **headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-mismatch")
    assert installation.types().count("asset.uploaded") == 1


def test_an_idempotency_key_has_255_characters_at_most(musician: TestClient) -> None:
    assert upload(musician, b"a", **{"Idempotency-Key": "k" * 255}).status_code == 202
    answer = upload(musician, b"b", **{"Idempotency-Key": "k" * 256})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-idempotency-key")


def test_a_file_over_the_limit_is_413_and_leaves_nothing(
    installation: Installation, musician: TestClient
) -> None:
    at_limit = upload(musician, b"x" * MAX_UPLOAD_BYTES)
    assert at_limit.status_code == 202
    before = len(installation.types())
    for extra in (1, 5_000_000):
        answer = upload(musician, b"x" * (MAX_UPLOAD_BYTES + extra))
        assert answer.status_code == 413
    assert upload(musician, b"x" * (MAX_UPLOAD_BYTES + 1)).json()["code"] == "file-too-large"
    assert staged_files(installation) == []
    assert len(installation.types()) == before


def test_an_empty_file_is_422(installation: Installation, musician: TestClient) -> None:
    answer = upload(musician, b"")
    assert (answer.status_code, answer.json()["code"]) == (422, "empty-file")
    assert staged_files(installation) == []


@pytest.mark.parametrize(
    ("content_type", "body", "status", "code"),
    [
        ("application/json", b"{}", 415, "multipart-required"),
        ("multipart/form-data", b"", 415, "multipart-required"),
        ("multipart/form-data; boundary=b", b"garbage " * 9, 422, "malformed-multipart"),
        ("multipart/form-data; boundary=b", b"", 422, "file-missing"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="other"\r\n\r\nx\r\n--b--\r\n',
            422,
            "file-missing",
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\ncut of',
            422,
            "malformed-multipart",
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n'
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="b"\r\n\r\ny\r\n'
            b"--b--\r\n",
            422,
            "one-file-only",
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="p"\r\n\r\n%b\r\n' % (b"x" * 1500) * 1000,
            413,
            "body-too-large",
        ),
        (
            "multipart/form-data; boundary=b",
            b"--b\r\nX-Header: " + b"h" * 5_000_000,
            (413, 422),
            ("body-too-large", "malformed-multipart"),
        ),
    ],
)
def test_a_broken_form_is_refused_by_name(
    installation: Installation,
    musician: TestClient,
    content_type: str,
    body: bytes,
    status: int | tuple[int, ...],
    code: str | tuple[str, ...],
) -> None:
    answer = musician.post("/api/assets", content=body, headers={"Content-Type": content_type})
    assert answer.status_code in (status if isinstance(status, tuple) else (status,))
    assert answer.json()["code"] in (code if isinstance(code, tuple) else (code,))
    assert installation.types().count("asset.uploaded") == 0
    assert staged_files(installation) == []


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("/etc/shadow", "shadow"),
        ("album/disc 1/track.flac", "track.flac"),
        ("..", "untitled"),
        ("a\u202egnp.wav", "agnp.wav"),
        ("tab\tand\x7fdelete.wav", "tabanddelete.wav"),
        ("Cafe\u0301 \U0001f3b5 東京.flac", "Caf\u00e9 \U0001f3b5 東京.flac"),
        ("x" * 600 + ".flac", "x" * 495 + ".flac"),
    ],
)
def test_a_file_name_is_only_a_name(
    installation: Installation, musician: TestClient, sent: str, kept: str
) -> None:
    body = (
        f'--b\r\nContent-Disposition: form-data; name="file"; filename="{sent}"\r\n\r\n'
        "data\r\n--b--\r\n"
    )
    answer = musician.post(
        "/api/assets",
        content=body.encode(),
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )
    assert answer.status_code == 202, answer.text
    assert installation.events()[-1].data.filename == kept


def test_uploading_needs_somebody(installation: Installation) -> None:
    answer = upload(installation.browser(), b"data")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert staged_files(installation) == []


def test_tags_are_edited_at_the_version_that_was_read(
    installation: Installation, musician: TestClient, verified: str
) -> None:
    url = f"/api/assets/{verified}"
    edit = {"title": "Night Drive", "tempo_bpm": 140.5, "key": "8A"}
    answer = musician.patch(url, json=edit, headers={"If-Match": '"v2"'})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"id": verified, "version": 3}
    assert answer.headers["ETag"] == '"v3"'
    assert int(answer.headers["Event-Position"]) == installation.log.events.head()
    event = installation.events()[-1].data
    assert event.changed == ("key", "tempo_bpm", "title")
    assert (event.tags.title, event.tags.tempo_bpm, event.tags.key) == (
        "Night Drive",
        140.5,
        "A minor",
    )
    late = musician.patch(url, json={"title": "Lost"}, headers={"If-Match": '"v2"'})
    assert (late.status_code, late.json()["code"]) == (412, "version-mismatch")
    assert late.json()["current_version"] == 3
    cleared = musician.patch(url, json={"title": None}, headers={"If-Match": '"v3"'})
    assert cleared.json()["version"] == 4
    assert installation.events()[-1].data.tags.title is None


def test_saying_the_same_again_changes_nothing(
    installation: Installation, musician: TestClient, verified: str
) -> None:
    url = f"/api/assets/{verified}"
    musician.patch(url, json={"title": "A"}, headers={"If-Match": "*"})
    again = musician.patch(url, json={"title": "A"}, headers={"If-Match": "*"})
    assert (again.status_code, again.json()["version"]) == (200, 3)
    assert int(again.headers["Event-Position"]) == installation.log.events.head()
    empty = musician.patch(url, json={}, headers={"If-Match": '"v3"'})
    assert empty.json()["version"] == 3


def test_an_edit_that_was_answered_is_answered_the_same_again(
    installation: Installation, musician: TestClient, verified: str
) -> None:
    url, headers = f"/api/assets/{verified}", {"If-Match": '"v2"', "Idempotency-Key": "e"}
    first = musician.patch(url, json={"title": "A"}, headers=headers)
    again = musician.patch(url, json={"title": "A"}, headers=headers)
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["Idempotent-Replayed"] == "true"
    other = musician.patch(url, json={"title": "B"}, headers=headers)
    assert other.status_code == 422


@pytest.mark.parametrize(
    ("if_match", "status", "code"),
    [
        (None, 428, "if-match-required"),
        ('"v1"', 412, "version-mismatch"),
        ('"v99"', 412, "version-mismatch"),
        ('W/"v2"', 412, "version-mismatch"),
        ('"something else"', 412, "version-mismatch"),
        ("v2", 412, "version-mismatch"),
    ],
)
def test_changes_need_the_version_they_change(
    musician: TestClient, verified: str, if_match: str | None, status: int, code: str
) -> None:
    headers = {} if if_match is None else {"If-Match": if_match}
    for answer in (
        musician.patch(f"/api/assets/{verified}", json={"title": "A"}, headers=headers),
        musician.delete(f"/api/assets/{verified}", headers=headers),
    ):
        assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("edit", "pointer"),
    [
        ({"titel": "misspelt"}, "/titel"),
        ({"year": 99}, "/year"),
        ({"tempo_bpm": 0}, "/tempo_bpm"),
        ({"tempo_bpm": "fast"}, "/tempo_bpm"),
        ({"key": "H minor"}, "/key"),
        ({"isrc": "nonsense"}, "/isrc"),
        ({"title": "x" * 501}, "/title"),
        ({"state": "analysed"}, "/state"),
    ],
)
def test_a_wrong_tag_is_named(
    musician: TestClient, verified: str, edit: dict[str, object], pointer: str
) -> None:
    answer = musician.patch(f"/api/assets/{verified}", json=edit, headers={"If-Match": "*"})
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    if pointer == "/key":
        assert all(name in answer.json()["errors"][0]["detail"] for name in MUSICAL_KEYS)


def test_a_file_nobody_looked_into_has_no_tags_to_edit(musician: TestClient) -> None:
    asset_id = upload(musician, b"fresh").json()["id"]
    answer = musician.patch(
        f"/api/assets/{asset_id}", json={"title": "A"}, headers={"If-Match": '"v1"'}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "asset-not-ready")


def test_a_deleted_asset_is_gone_and_its_bytes_may_come_again(
    installation: Installation, musician: TestClient
) -> None:
    first = upload(musician, b"to be deleted").json()["id"]
    answer = musician.delete(f"/api/assets/{first}", headers={"If-Match": '"v1"'})
    assert (answer.status_code, answer.content) == (204, b"")
    assert int(answer.headers["Event-Position"]) == installation.log.events.head()
    assert musician.delete(f"/api/assets/{first}", headers={"If-Match": "*"}).status_code == 404
    again = upload(musician, b"to be deleted")
    assert again.status_code == 202
    assert again.json()["id"] != first


def test_anothers_asset_does_not_exist_at_any_version(
    installation: Installation, musician: TestClient, verified: str
) -> None:
    other = installation.signed_up()
    before = len(installation.types())
    for asset_id in (verified, "ast_" + "0" * 32, "nonsense", verified.upper()):
        for if_match in ("*", '"v2"', '"v7"'):
            headers = {"If-Match": if_match}
            url = f"/api/assets/{asset_id}"
            assert other.patch(url, json={"title": "Mine"}, headers=headers).status_code == 404
            assert other.delete(url, headers=headers).status_code == 404
    assert len(installation.types()) == before


def test_a_key_without_the_scope_changes_nothing(
    installation: Installation, musician: TestClient, verified: str
) -> None:
    reader = installation.program(musician, "assets:read", "account:write", "events:read")
    headers = {"If-Match": "*"}
    url = f"/api/assets/{verified}"
    for answer in (
        upload(reader, b"data"),
        reader.patch(url, json={"title": "A"}, headers=headers),
        reader.delete(url, headers=headers),
    ):
        assert (answer.status_code, answer.json()["scope"]) == (403, "assets:write")
