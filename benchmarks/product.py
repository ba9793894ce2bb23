"""The product's own processes on a rig's engines, and one musician who uses it over HTTP."""

from __future__ import annotations

import http.client
import io
import json
import os
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.rig import Database, Rig
from runtime.engines.child import choose_free_port
from runtime.engines.kafka import EmbeddedKafka
from runtime.engines.kafka_users import as_environment
from runtime.installation import ROOT
from runtime.supervised import SINGLE_THREADED, core_environment

PATIENCE_S = 120.0
# Well before the server ends a connection that is idle.
IDLE_S = 3.0


@contextmanager
def running(
    rig: Rig,
    folder: Path,
    *parts: str,
    database: Database | None = None,
    kafka: EmbeddedKafka | None = None,
    crowd: str | None = None,
    ready: str = "/readyz",
) -> Iterator[int]:
    """Each of `parts` in a process of its own; gives the API's port once `ready` says yes. The
    worker has the specimens of that kind beside its own consumers (`benchmarks.crowd`).
    """
    database, port = database or rig.database(), choose_free_port()
    environment = {
        **os.environ,
        **SINGLE_THREADED,
        "PYTHONPATH": str(ROOT),
        "NOCULTURE_DATA": str(folder),
        "NOCULTURE_DATABASE_URL": database.owner_url,
        "NOCULTURE_APP_DATABASE_URL": database.app_url,
        "NOCULTURE_WORKER_DATABASE_URL": database.worker_url,
        "NOCULTURE_RELAY_DATABASE_URL": database.relay_url,
        **as_environment((kafka or rig.kafka).config()),
        "NOCULTURE_PORT": str(port),
        "NOCULTURE_LOG_LEVEL": "warning",
    }
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for part in parts:
            log = (folder.parent / f"{folder.name}-{part}.log").open("wb")
            processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", *_module_of(part, crowd)],
                    cwd=ROOT,
                    env=environment | core_environment(part),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
            )
            log.close()
        _ready(port, ready, processes)
        yield port
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=30)


def _module_of(part: str, crowd: str | None) -> list[str]:
    """Arguments that start a part of the product, or a module that stands for one."""
    if "." in part:
        return [part]
    product = ["benchmarks.crowd", crowd] if part == "worker" and crowd else ["runtime"]
    return [*product, "run", part]


def _ready(port: int, path: str, processes: list[subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if any(process.poll() is not None for process in processes):
            raise RuntimeError("a part of the product ended by itself")
        try:
            if Client(port).call("GET", path).status == 200:
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise TimeoutError(f"the product was not ready in {PATIENCE_S:.0f} s")


class Answer:
    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.status, self.headers, self.body = answer.status, answer.headers, answer.read()

    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


class Client:
    """One kept connection of one caller: of a program with a key, or of a browser with a cookie."""

    def __init__(self, port: int, key: str | None = None, cookie: str | None = None) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._port, self.key, self._cookie = port, key, cookie
        self._used_at = time.monotonic()

    def call(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> Answer:
        sent = {"Content-Type": "application/json", **(headers or {})}
        if self.key:
            sent["Authorization"] = f"Bearer {self.key}"
        elif self._cookie:
            sent["Cookie"] = self._cookie
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if time.monotonic() - self._used_at > IDLE_S:
            # The next request opens it again.
            self._connection.close()
        self._connection.request(method, path, content, sent)
        answer = Answer(self._connection.getresponse())
        self._used_at = time.monotonic()
        return answer

    def again(self) -> Client:
        """The same caller on another connection."""
        return Client(self._port, self.key, self._cookie)

    def visitor(self) -> Client:
        """The same person in a browser."""
        return Client(self._port, cookie=self._cookie)


def sign_up(port: int, name: str) -> Client:
    """A musician with a key that may do everything."""
    client, address = Client(port), f"{name}@example.org"
    account = {"email": address, "password": "a long password of theirs", "name": name}
    made = client.call("POST", "/api/accounts", account)
    assert made.status == 201, made.body
    cookie = made.headers["Set-Cookie"].partition(";")[0]
    key = client.call("POST", "/api/keys", {"name": name, "scopes": ["*"]}, {"Cookie": cookie})
    assert key.status == 201, key.body
    return Client(port, key.json()["key"], cookie)


def upload(client: Client, number: int) -> str:
    """A short WAV that no other upload equals; answers the asset's id once it is verified."""
    asset = post_file(client, number)
    deadline = time.monotonic() + PATIENCE_S
    while client.call("GET", f"/api/assets/{asset}").json().get("state") != "verified":
        if time.monotonic() > deadline:
            raise TimeoutError(f"{asset} was not verified in {PATIENCE_S:.0f} s")
        time.sleep(0.1)
    return asset


def post_file(client: Client, number: int) -> str:
    """The same without waiting for the worker."""
    return str(post_wav(client, f"take-{number}.wav", tone(number)).json()["id"])


def post_wav(client: Client, filename: str, content: bytes) -> Answer:
    boundary = "benchmark"
    head = (
        f"--{boundary}\r\nContent-Disposition: form-data; name=file; filename={filename}\r\n"
        "Content-Type: audio/wav\r\n\r\n"
    )
    body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    return client.call("POST", "/api/assets", body, kind)


def tone(number: int) -> bytes:
    """Half a second of a tone of its own."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(22_050)
        period = 40 + number
        samples = [8_000 if at % period < period // 2 else -8_000 for at in range(11_025)]
        file.writeframes(b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples))
    return content.getvalue()
