"""One set of rules for both object stores: the folder, and S3 over HTTP against a local server."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from events.ids import WorkspaceId
from gateways.objects.folder import CHUNK_BYTES, BlobNotFound, FolderObjectStore
from gateways.objects.s3 import PART_BYTES, S3ObjectStore
from tests.fixtures.buckets import new_bucket, s3_server

ONE, TWO = WorkspaceId.new(), WorkspaceId.new()
DATA = os.urandom(700_000)
SHA = hashlib.sha256(DATA).hexdigest()
Store = FolderObjectStore | S3ObjectStore


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with s3_server() as endpoint:
        yield endpoint


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return FolderObjectStore(tmp_path / "blobs")
    return new_bucket(request.getfixturevalue("s3"), tmp_path / "staging")


def staged(store: Store, data: bytes = DATA) -> Path:
    path = store.staging / f"upload-{os.urandom(4).hex()}"
    path.write_bytes(data)
    return path


def test_a_file_comes_back_as_it_went_in_and_leaves_staging(store: Store) -> None:
    source = staged(store)
    store.put_file(ONE, SHA, source)
    assert not source.exists()
    assert store.size(ONE, SHA) == len(DATA)
    assert store.read(ONE, SHA) == DATA
    assert list(store.staging.iterdir()) == []


def test_the_same_content_twice_is_no_error(store: Store) -> None:
    for _ in range(2):
        store.put_file(ONE, SHA, staged(store))
        store.put_bytes(ONE, SHA, DATA)
    assert store.read(ONE, SHA) == DATA
    assert list(store.staging.iterdir()) == []


def test_racing_puts_of_the_same_content_leave_it_whole(store: Store) -> None:
    threads = [
        threading.Thread(target=store.put_file, args=(ONE, SHA, staged(store))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.read(ONE, SHA) == DATA


@pytest.mark.parametrize(
    ("start", "length"),
    [(0, 1), (0, 700_000), (100, CHUNK_BYTES * 2 + 5), (699_999, 1), (699_990, 100), (0, 0)],
)
def test_ranges_are_exact_and_in_small_chunks(store: Store, start: int, length: int) -> None:
    store.put_bytes(ONE, SHA, DATA)
    chunks = list(store.read_range(ONE, SHA, start, length))
    assert b"".join(chunks) == DATA[start : start + length]
    assert all(0 < len(chunk) <= CHUNK_BYTES for chunk in chunks)


def test_what_is_not_there_is_said_to_be_missing(store: Store) -> None:
    store.put_bytes(ONE, SHA, DATA)
    assert store.size(TWO, SHA) is None
    with pytest.raises(BlobNotFound):
        store.read(TWO, SHA)
    with pytest.raises(BlobNotFound):
        store.read_range(TWO, SHA, 0, 10)
    with pytest.raises(BlobNotFound), store.local_copy(TWO, SHA):
        pass
    store.delete(TWO, SHA)


def test_deleting_is_for_one_workspace_only(store: Store) -> None:
    store.put_bytes(ONE, SHA, DATA)
    store.put_bytes(TWO, SHA, DATA)
    store.delete(ONE, SHA)
    assert store.size(ONE, SHA) is None
    assert store.read(TWO, SHA) == DATA


def test_tools_get_a_path_and_nothing_stays_behind(store: Store) -> None:
    store.put_bytes(ONE, SHA, DATA)
    with store.local_copy(ONE, SHA) as path:
        assert path.read_bytes() == DATA
    assert store.read(ONE, SHA) == DATA
    assert list(store.staging.iterdir()) == []


@pytest.mark.parametrize(
    ("workspace", "sha256"),
    [("../..", SHA), (str(ONE), "../../../etc/passwd"), (str(ONE), SHA.upper()), ("", SHA)],
    ids=["workspace", "sha256", "upper case", "no workspace"],
)
def test_an_address_cannot_lead_elsewhere(store: Store, workspace: str, sha256: str) -> None:
    with pytest.raises(ValueError):
        store.size(workspace, sha256)
    with pytest.raises(ValueError):
        store.put_bytes(workspace, sha256, b"x")


def test_a_big_file_goes_up_in_parts(s3: str, tmp_path: Path) -> None:
    store = new_bucket(s3, tmp_path, prefix="")
    data = os.urandom(1_000_000) * 40
    assert len(data) > 2 * PART_BYTES
    sha256 = hashlib.sha256(data).hexdigest()
    store.put_file(ONE, sha256, staged(store, data))
    assert store.size(ONE, sha256) == len(data)
    with store.local_copy(ONE, sha256) as path:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def test_a_blob_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    store = FolderObjectStore(tmp_path)

    with pytest.raises(TypeError):
        store.put_bytes(ONE, SHA, 7)  # type: ignore[arg-type]
    assert store.size(ONE, SHA) is None
    assert list(store.staging.iterdir()) == []
