"""Who is in the history, and what they asked for in a way that may be repeated."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.testclient import TestClient

from tests.released.product import PASSWORD, Product

TOLD = ("Event-Position", "ETag", "Location", "Idempotent-Replayed")


@dataclass
class Asked:
    """A request with an `Idempotency-Key`: `who` is an e-mail address, None for a stranger."""

    who: str | None
    method: str
    path: str
    key: str
    json: Any = None
    # (file name, content) of an upload.
    file: tuple[str, str] | None = None
    if_match: str | None = None
    # Of the first time, then of the second.
    answer: dict[str, Any] = field(default_factory=dict)
    repeated: dict[str, Any] = field(default_factory=dict)

    def send(self, client: TestClient) -> dict[str, Any]:
        headers = {"Idempotency-Key": self.key}
        if self.if_match:
            headers["If-Match"] = self.if_match
        given: dict[str, Any] = {"headers": headers}
        if self.json is not None:
            given["json"] = self.json
        if self.file is not None:
            name, content = self.file
            given["files"] = {"file": (name, content.encode())}
        answer = client.request(self.method, self.path, **given)
        return {
            "status": answer.status_code,
            "headers": {name: answer.headers[name] for name in TOLD if name in answer.headers},
            "body": answer.json() if answer.content else None,
        }


@dataclass
class Person:
    product: Product
    email: str
    client: TestClient
    asked: list[Asked]
    password: str = PASSWORD
    account_id: str = ""
    workspace_id: str = ""

    def ask(self, method: str, path: str, status: int = 200, **given: Any) -> Any:
        """Without a key; answers the body."""
        answer = self.client.request(method, path, **given)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def ask_with_key(self, method: str, path: str, status: int = 200, **given: Any) -> Any:
        """The same, to be repeated at the end."""
        asked = Asked(self.email, method, path, f"key-{len(self.asked)}", **given)
        asked.answer = asked.send(self.client)
        assert asked.answer["status"] == status, asked
        self.asked.append(asked)
        return asked.answer["body"]

    def upload(self, text: str) -> str:
        files = {"file": (f"{text}.flac", text.encode())}
        return str(self.ask("POST", "/api/assets", 202, files=files)["id"])

    def upload_and(self, state: str, text: str) -> str:
        """The id, once the page about it says that it is in this state."""
        asset_id = self.upload(text)
        self.until(asset_id, state)
        return asset_id

    def until(self, asset_id: str, state: str) -> None:
        path = f"/api/assets/{asset_id}"
        eventually(lambda: self.client.get(path).json().get("state") == state)

    def version(self, asset_id: str) -> int:
        eventually(self.product.is_idle)
        return int(self.ask("GET", f"/api/assets/{asset_id}")["version"])

    def sign_in(self, status: int = 201, **more: str) -> None:
        body = {"email": self.email, "password": self.password, **more}
        self.ask("POST", "/api/sessions", status, json=body)


def eventually(condition: Callable[[], object], within_s: float = 60.0) -> None:
    assert comes_true(condition, within_s), "it did not come true in time"


def comes_true(condition: Callable[[], object], within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
