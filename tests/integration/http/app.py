"""The command API as composition makes it, over a real database and a real folder of blobs."""

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

from commands import (
    accounts,
    assets,
    bulk,
    keys,
    passkeys_http,
    recovery,
    second_factor_http,
    sessions,
    signing_in,
    uploads,
)
from commands.accounts import Accounts
from commands.assets import Assets
from commands.authentication import Credentials
from commands.bulk import Bulk
from commands.keys import Keys
from commands.logins import Logins
from commands.passkeys import Passkeys
from commands.passwords import Passwords
from commands.proofs import Proofs
from commands.recovery import Recovery
from commands.resumable import Uploads
from commands.second_factor import SecondFactors
from commands.sessions import Sessions
from commands.signing_in import SigningIn
from commands.staging import Staging
from commands.unit import Commands
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from events.store.subject_keys import PostgresSubjectKeys
from gateways.object_store import FolderObjectStore
from kit.auth import Authenticate
from kit.backoff import Backoff
from kit.install import install_kit
from kit.limits import POLICIES, Policy, RateLimits
from kit.tokens import Signer
from tests.conftest import Database

MAX_UPLOAD_BYTES = 3_000_000
PASSWORD = "a long enough password"
_numbers = itertools.count(1)


def streams(method: str, path: str) -> bool:
    return path == "/api/assets" or path.startswith("/api/uploads")


@dataclass
class Installation:
    """One installation's command side; `browser()` and `program()` are who uses it."""

    app: FastAPI
    pool: ConnectionPool
    log: PostgresLog
    commands: Commands
    accounts: Accounts
    sessions: Sessions
    assets: Assets
    uploads: Uploads
    objects: FolderObjectStore
    codec: EventCodec
    factors: SecondFactors
    logins: Logins
    backoff: Backoff
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

    def program(self, owner: TestClient, *scopes: str) -> TestClient:
        """A client that holds a key of `owner` with these scopes."""
        answer = owner.post("/api/keys", json={"name": "program", "scopes": list(scopes)})
        assert answer.status_code == 201, answer.text
        client = self.browser()
        client.headers["Authorization"] = f"Bearer {answer.json()['key']}"
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
    database: Database, folder: Path, *policies: Policy
) -> Iterator[Installation]:
    """`policies` replace those of the same name."""
    with ConnectionPool(
        database.app_url, min_size=1, max_size=12, kwargs={"autocommit": True}
    ) as pool:
        log = PostgresLog(database.app_url, pool)
        try:
            yield _installation(pool, log, folder, policies)
        finally:
            log.close()


def _installation(
    pool: ConnectionPool, log: PostgresLog, folder: Path, policies: tuple[Policy, ...]
) -> Installation:
    codec = EventCodec(PostgresSubjectKeys(pool, b"m" * 32))
    commands = Commands(log, pool, codec, b"i" * 32)
    logins, passwords = Logins(pool, b"i" * 32), Passwords()
    signer, limits = Signer(b"s" * 32), RateLimits(pool, (*POLICIES, *policies))
    its_sessions = Sessions(pool, logins, signer)
    proofs, backoff = Proofs(logins, passwords), Backoff(pool)
    factors = SecondFactors(commands, proofs, backoff, signer)
    its_signing_in = SigningIn(its_sessions, logins, passwords, factors, backoff, limits, signer)
    its_keys = Keys(commands, pool)
    its_accounts = Accounts(commands, logins, passwords, its_sessions)
    objects = FolderObjectStore(folder)
    staging = Staging(objects.staging, MAX_UPLOAD_BYTES)
    its_assets = Assets(commands, objects, staging)
    its_uploads = Uploads(pool, staging, its_assets)
    authenticated = Authenticate(Credentials(its_sessions, pool), limits)
    app = FastAPI()
    app.include_router(accounts.router(its_accounts, its_sessions, limits))
    app.include_router(accounts.password_router(its_accounts, authenticated, limits))
    app.include_router(sessions.router(its_sessions, authenticated))
    app.include_router(signing_in.router(its_signing_in, its_sessions))
    app.include_router(second_factor_http.router(factors, authenticated, limits))
    app.include_router(
        passkeys_http.router(
            Passkeys(commands, logins, proofs), its_sessions, authenticated, limits, ""
        )
    )
    app.include_router(recovery.router(Recovery(commands, logins, passwords), limits))
    app.include_router(keys.router(its_keys, authenticated))
    app.include_router(bulk.router(Bulk(commands, its_assets), authenticated))
    app.include_router(assets.router(its_assets, authenticated))
    app.include_router(uploads.router(its_uploads, authenticated))
    install_kit(app, streams)

    @app.get("/api/broken", include_in_schema=False)
    def broken() -> None:
        raise RuntimeError("the secret is swordfish")

    return Installation(
        app,
        pool,
        log,
        commands,
        its_accounts,
        its_sessions,
        its_assets,
        its_uploads,
        objects,
        codec,
        factors,
        logins,
        backoff,
    )
