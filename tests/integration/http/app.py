"""The product's own API over a real database and a real folder of blobs; no worker behind it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from httpx2 import Response
from psycopg_pool import ConnectionPool
from starlette.testclient import TestClient

from commands.account.accounts import Accounts
from commands.account.logins import Logins
from commands.account.second_factor import SecondFactors
from commands.account.sessions import Sessions
from commands.unit import Commands
from commands.vault.assets import Assets
from commands.vault.resumable import Uploads
from events.log.tail import LogTail
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from gateways.ports.objects import ObjectStore
from kit.backoff import Backoff
from kit.policies import Policy
from runtime.app import Application, compose
from runtime.composition import Core, open_core
from runtime.settings import load_settings
from tests.conftest import Database

MAX_UPLOAD_BYTES = 3_000_000
PASSWORD = "a long enough password"
_numbers = itertools.count(1)


@dataclass
class Installation:
    """One installation without views; `browser()` and `program()` are who uses it."""

    app: FastAPI
    pool: ConnectionPool
    log: PostgresLog
    commands: Commands
    accounts: Accounts
    sessions: Sessions
    assets: Assets
    uploads: Uploads
    objects: ObjectStore
    codec: EventCodec
    factors: SecondFactors
    logins: Logins
    backoff: Backoff
    core: Core
    base_url: str = "http://testserver"
    open_clients: list[TestClient] = field(default_factory=list)

    def browser(self, base_url: str = "http://testserver") -> TestClient:
        """A client of its own cookie jar that is nobody yet."""
        client = TestClient(self.app, base_url=base_url)
        self.open_clients.append(client)
        return client

    def signed_up(self, name: str = "Ada") -> TestClient:
        client = self.browser()
        email = f"somebody{next(_numbers)}@example.com"
        client.account = sign_up(client, email, name).json()
        client.email = email
        return client

    def program(self, owner: TestClient, *scopes: str, proven: bool = False) -> TestClient:
        """A client that holds a key of `owner` with these scopes, perhaps with a fresh proof."""
        answer = owner.post("/api/keys", json={"name": "program", "scopes": list(scopes)})
        assert answer.status_code == 201, answer.text
        client = self.browser()
        client.headers["Authorization"] = f"Bearer {answer.json()['key']}"
        if proven:
            assert client.post("/api/me/proof", json={"password": PASSWORD}).status_code == 200
        return client

    def events(self) -> list[Any]:
        return [self.codec.decode(envelope) for envelope in self.log.events.after(0, 10_000)]

    def types(self) -> list[str]:
        return [event.type for event in self.events()]

    def scalar(self, query: str, *values: Any) -> Any:
        with self.pool.connection() as connection:
            row = connection.execute(query, values).fetchone()
        return row and row[0]


def sign_up(client: TestClient, email: str, name: str = "Ada", **headers: str) -> Response:
    body = {"email": email, "password": PASSWORD, "name": name}
    return client.post("/api/accounts", json=body, headers=headers)


def upload(client: TestClient, data: bytes, filename: str = "a.wav", **headers: str) -> Response:
    return client.post("/api/assets", files={"file": (filename, data)}, headers=headers)


@contextmanager
def open_installation(
    database: Database, folder: Path, *policies: Policy, **given: Any
) -> Iterator[Installation]:
    """`policies` replace those of the same name; `given` are settings."""
    settings = load_settings(
        folder,
        event_log="postgres",
        database_url=database.owner_url,
        app_database_url=database.app_url,
        worker_database_url=database.worker_url,
        max_upload_bytes=MAX_UPLOAD_BYTES,
        **given,
    )
    with open_core(settings) as core:
        tail = LogTail(core.url)
        try:
            yield _installation(core, compose(core, tail, *policies))
        finally:
            tail.close()


def _installation(core: Core, application: Application) -> Installation:
    app = application.app
    accounts, vault = (application.served[name].commands for name in ("account", "vault"))

    def broken() -> None:
        raise RuntimeError("the secret is swordfish")

    app.add_api_route("/api/broken", broken, include_in_schema=False)
    return Installation(
        app,
        core.pool,
        core.log,
        core.commands,
        accounts.accounts,
        accounts.sessions,
        vault.assets,
        vault.uploads,
        core.objects,
        core.codec,
        accounts.second_factors,
        Logins(core.pool, core.settings.secrets.installation_key),
        Backoff(core.pool),
        core,
    )
