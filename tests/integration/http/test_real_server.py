"""What only a real server on a real socket shows: killed in the middle, refused while sending."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psycopg
import pytest

from tests.conftest import Database
from tests.integration.http.app import MAX_UPLOAD_BYTES, PASSWORD

ROOT = Path(__file__).parents[3]
TUS = {"Tus-Resumable": "1.0.0"}
PIECE = {**TUS, "Content-Type": "application/offset+octet-stream"}
DATA = os.urandom(2_900_000)


@contextmanager
def server(database: Database, folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "tests.integration.http.serve", database.app_url, str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def key(database: Database, tmp_path: Path) -> dict[str, str]:
    with server(database, tmp_path) as (url, _), httpx2.Client(base_url=url, timeout=30) as client:
        person = {"email": "ada@example.com", "password": PASSWORD, "name": "Ada"}
        client.post("/api/accounts", json=person).raise_for_status()
        issued = client.post("/api/keys", json={"name": "k", "scopes": ["*"]}).json()
    return {"Authorization": f"Bearer {issued['key']}"}


def test_a_server_killed_in_the_middle_of_a_piece_keeps_what_arrived(
    database: Database, tmp_path: Path, key: dict[str, str]
) -> None:
    with server(database, tmp_path) as (url, process):
        client = httpx2.Client(base_url=url, headers=key, timeout=30)
        created = client.post("/api/uploads", headers={**TUS, "Upload-Length": str(len(DATA))})
        location = created.headers["Location"]
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as sending:
            lines = {**PIECE, **key, "Upload-Offset": "0", "Content-Length": str(len(DATA))}
            head = f"PATCH {location} HTTP/1.1\r\nHost: {host}:{port}\r\n"
            head += "".join(f"{name}: {value}\r\n" for name, value in lines.items())
            sending.sendall(head.encode() + b"\r\n" + DATA[:2_000_000])
            deadline = time.monotonic() + 30
            while int(client.head(location, headers=TUS).headers["Upload-Offset"]) < 1_000_000:
                assert time.monotonic() < deadline
            process.send_signal(signal.SIGKILL)
            process.wait()
    with server(database, tmp_path) as (url, _):
        client = httpx2.Client(base_url=url, headers=key, timeout=30)
        offset = int(client.head(location, headers=TUS).headers["Upload-Offset"])
        assert 1_000_000 <= offset <= 2_000_000
        headers = {**PIECE, "Upload-Offset": str(offset)}
        last = client.patch(location, content=DATA[offset:], headers=headers)
        assert last.headers["NoCulture-Asset"].startswith("ast_")
    with psycopg.connect(database.owner_url) as connection:
        row = connection.execute("SELECT data FROM events WHERE type = 'asset.uploaded'").fetchone()
    assert row is not None
    assert hashlib.sha256(DATA).hexdigest().encode() in bytes(row[0])


def test_a_refused_sender_gets_the_answer_not_a_reset(
    database: Database, tmp_path: Path, key: dict[str, str]
) -> None:
    huge = b"x" * 1_000_000

    def endless() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(60):
            yield huge

    form = {"Content-Type": "multipart/form-data; boundary=b"}
    with server(database, tmp_path) as (url, _), httpx2.Client(base_url=url, timeout=60) as client:
        refused = client.post("/api/assets", content=endless(), headers=form)
        assert refused.status_code == 401
        too_large = client.post("/api/assets", content=endless(), headers={**form, **key})
        assert (too_large.status_code, too_large.json()["code"]) == (413, "file-too-large")
        body = b"x" * (MAX_UPLOAD_BYTES * 10)
        json_bomb = client.post("/api/keys", content=body, headers=key)
        assert json_bomb.status_code == 413


def test_a_broken_connection_leaves_nothing_behind(
    database: Database, tmp_path: Path, key: dict[str, str]
) -> None:
    staging = tmp_path / "blobs" / "staging"
    with server(database, tmp_path) as (url, _):
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as sending:
            head = (
                f"POST /api/assets HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 2000000\r\n"
            )
            head += f"Authorization: {key['Authorization']}\r\n"
            head += "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
            part = '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
            sending.sendall(head.encode() + part.encode() + DATA[:1_500_000])
            wait_until(lambda: len(list(staging.iterdir())) == 1)
        wait_until(lambda: list(staging.iterdir()) == [])


def wait_until(condition) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
