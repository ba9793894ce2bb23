"""Files sent straight to an S3 store over real HTTP: only what was announced becomes an asset."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from starlette.testclient import TestClient

from commands.vault.assets import Assets
from commands.vault.direct import AnnouncedFile, DirectUploads, DirectUploadUnavailable, NotDirect
from commands.vault.quota import Quota, QuotaExceeded
from commands.vault.resumable import UploadExpired, Uploads
from commands.vault.staging import FileTooLarge, Staging
from events.store.subject_keys import SubjectGone
from gateways.objects.folder import NotArrived, NotAsPromised
from gateways.objects.s3 import S3ObjectStore
from gateways.objects.s3_presign import S3Keys, presign_put
from schemas.vault.dto import StorageUsage
from tests.fixtures.buckets import new_bucket, s3_server
from tests.integration.http.app import MAX_UPLOAD_BYTES, Installation
from tests.integration.vault.test_rewriting import caller_of, erase

DATA = os.urandom(300_000)
SHA256 = hashlib.sha256(DATA).hexdigest()
FILE = AnnouncedFile(filename="../take 1.wav", size_bytes=len(DATA), sha256=SHA256)


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with s3_server() as endpoint:
        yield endpoint


@pytest.fixture
def bucket(s3: str, tmp_path: Path) -> S3ObjectStore:
    return new_bucket(s3, tmp_path / "staging")


def direct_to(
    installation: Installation, objects: S3ObjectStore, quota: Quota | None = None
) -> DirectUploads:
    staging = Staging(objects, MAX_UPLOAD_BYTES)
    assets = Assets(
        installation.commands, objects, staging, quota, is_erased=lambda _account_id: False
    )
    return DirectUploads(Uploads(installation.pool, staging, assets), objects)


@pytest.fixture
def direct(installation: Installation, bucket: S3ObjectStore) -> DirectUploads:
    return direct_to(installation, bucket)


def send(url: str, headers: dict[str, str], data: bytes) -> None:
    named = {k: v for k, v in headers.items() if k != "content-length"}  # the client counts itself
    httpx2.put(url, content=data, headers=named).raise_for_status()


def test_what_was_announced_and_sent_becomes_an_asset(
    installation: Installation, musician: TestClient, direct: DirectUploads, bucket: S3ObjectStore
) -> None:
    caller = caller_of(musician)
    put = direct.announce(caller, FILE)
    send(put.url, put.headers, DATA)
    kept = direct.complete(caller, put.id)
    assert (kept.answer.state, kept.answer.duplicate) == ("uploaded", False)
    event = installation.events()[-1].data
    assert (event.filename, event.sha256, event.size_bytes) == ("take 1.wav", SHA256, len(DATA))
    assert event.path is None
    assert bucket.read(caller.workspace_id, SHA256) == DATA
    assert direct.complete(caller, put.id).answer.id == kept.answer.id
    assert bucket.delete_workspace(caller.workspace_id) == 1  # what was sent is not kept twice


def test_what_was_sent_straight_keeps_its_path_too(
    installation: Installation, musician: TestClient, direct: DirectUploads
) -> None:
    caller = caller_of(musician)
    put = direct.announce(caller, FILE.model_copy(update={"path": "/Song A/../take 1.wav"}))
    send(put.url, put.headers, DATA)
    direct.complete(caller, put.id)
    assert installation.events()[-1].data.path == "Song A/take 1.wav"


def test_nothing_stays_of_what_arrives_while_its_account_is_erased(
    installation: Installation, musician: TestClient, direct: DirectUploads, bucket: S3ObjectStore
) -> None:
    caller = caller_of(musician)
    put = direct.announce(caller, FILE)
    send(put.url, put.headers, DATA)
    erase(installation, caller)
    with pytest.raises(SubjectGone):
        direct.complete(caller, put.id)
    assert bucket.delete_workspace(caller.workspace_id) == 0


@pytest.mark.parametrize("sent", [DATA[:-1] + b"!", DATA[:-1], DATA + b"!"])
def test_other_bytes_than_were_announced_become_nothing(
    installation: Installation,
    musician: TestClient,
    direct: DirectUploads,
    bucket: S3ObjectStore,
    sent: bytes,
) -> None:
    """This server checks neither signature nor checksum, so the check here is our own."""
    caller = caller_of(musician)
    put = direct.announce(caller, FILE)
    send(put.url, put.headers, sent)
    with pytest.raises(NotAsPromised):
        direct.complete(caller, put.id)
    assert "asset.uploaded" not in installation.types()
    assert bucket.delete_workspace(caller.workspace_id) == 0


def test_nothing_is_completed_before_it_arrived_nor_by_another(
    installation: Installation, musician: TestClient, direct: DirectUploads
) -> None:
    put = direct.announce(caller_of(musician), FILE)
    with pytest.raises(NotArrived):
        direct.complete(caller_of(musician), put.id)
    with pytest.raises(Exception, match="upload") as refused:
        direct.complete(caller_of(installation.signed_up()), put.id)
    assert refused.value.status == 404  # type: ignore[attr-defined]


def test_an_expired_one_is_swept_out_of_the_bucket(
    installation: Installation, musician: TestClient, direct: DirectUploads, bucket: S3ObjectStore
) -> None:
    caller = caller_of(musician)
    put = direct.announce(caller, FILE)
    send(put.url, put.headers, DATA)
    with installation.pool.connection() as connection:
        connection.execute("UPDATE uploads SET expires_at = now() - interval '1 second'")
    with pytest.raises(UploadExpired):
        direct.complete(caller, put.id)
    direct.announce(caller, FILE)
    assert bucket.delete_workspace(caller.workspace_id) == 0


def test_limits_are_told_before_anything_is_sent(
    installation: Installation, musician: TestClient, bucket: S3ObjectStore
) -> None:
    caller = caller_of(musician)
    small = StorageUsage(
        plan="free", used_bytes=90, uploading_bytes=5, limit_bytes=100, left_bytes=5
    )
    with pytest.raises(QuotaExceeded) as full:
        direct_to(installation, bucket, Quota(lambda workspace: small)).announce(caller, FILE)
    assert full.value.details["limit_bytes"] == 100
    large = FILE.model_copy(update={"size_bytes": 6 * 1024**3})
    with pytest.raises(FileTooLarge):
        direct_to(installation, bucket).announce(caller, large)


def test_a_folder_takes_no_direct_uploads_and_says_where_to_go(
    installation: Installation, musician: TestClient
) -> None:
    direct = DirectUploads(installation.uploads, installation.objects)
    with pytest.raises(DirectUploadUnavailable, match="/api/uploads"):
        direct.announce(caller_of(musician), FILE)
    upload = installation.uploads.create(caller_of(musician), 10, "a.wav", None)
    with pytest.raises(NotDirect):
        direct.complete(caller_of(musician), upload.upload_id)


@pytest.mark.parametrize("token", ["", "session-token/+="])
def test_the_signature_is_what_the_reference_library_makes(
    monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    now = datetime(2026, 11, 22, 23, 4, 5, tzinfo=UTC)
    address = "https://s3.eu-west-1.amazonaws.com/our-bucket/a folder/wsp_1/incoming/upl_1"
    ours = presign_put(
        address,
        "eu-west-1",
        S3Keys("AKIAEXAMPLE", "secret/key", token),
        sha256=SHA256,
        size_bytes=len(DATA),
        expires_s=600,
        now=now,
    )
    checksum = base64.b64encode(bytes.fromhex(SHA256)).decode()
    headers = {"content-length": str(len(DATA)), "x-amz-checksum-sha256": checksum}
    assert ours.headers == headers
    request = AWSRequest("PUT", address.replace(" ", "%20"), headers=headers)
    signer = S3SigV4QueryAuth(
        Credentials("AKIAEXAMPLE", "secret/key", token or None), "s3", "eu-west-1", expires=600
    )
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: now.replace(tzinfo=None))
    signer.add_auth(request)
    assert sorted(ours.url.split("&")) == sorted(request.url.split("&"))


def test_usage_counts_what_was_announced_until_it_is_whole(
    installation: Installation, musician: TestClient, direct: DirectUploads
) -> None:
    from read_api.vault.storage import StorageQueries

    caller = caller_of(musician)
    storage = StorageQueries(installation.pool, {"free": 1_000_000, "label": 0}, "free")
    put = direct.announce(caller, FILE)
    usage = storage.usage(caller.workspace_id)
    assert (usage.uploading_bytes, usage.left_bytes) == (300_000, 700_000)
    send(put.url, put.headers, DATA)
    direct.complete(caller, put.id)
    assert storage.usage(caller.workspace_id).uploading_bytes == 0
    unlimited = StorageQueries(installation.pool, {"label": 0}, "label").usage("wsp")
    assert (unlimited.limit_bytes, unlimited.left_bytes) == (None, None)
