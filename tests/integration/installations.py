from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

import psycopg
import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from starlette.testclient import TestClient

from runtime.engines.postgres import EmbeddedPostgres
from tests.conftest import Database, open_database
from tests.integration.http.app import Installation, open_installation
from tests.integration.http.tenants import Installation as Tenants
from tests.integration.http.tenants import open_tenants

KEPT_TABLES = ("log_identity", "migrations")
EMPTYING_TRIES = 5


@contextmanager
def cheaply_hashed() -> Iterator[None]:
    """Applications that are made meanwhile hash so: a hash as it is takes 0.2 s of a core, and
    these tests sign up by the thousand.
    """
    cheap = partial(Argon2Hasher, time_cost=1, memory_cost=64, parallelism=1)
    nobodys = PasswordHash((cheap(),)).hash("of nobody")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("commands.account.passwords.Argon2Hasher", cheap)
        patch.setattr("commands.account.passwords.NOBODYS", nobodys)
        yield


@pytest.fixture(scope="session")
def _opened(
    postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Installation, str]]:
    # Fixtures of a session are made before those of a module, so also before `cheap_hashes`.
    with ExitStack() as stack:
        database = stack.enter_context(open_database(postgres, f"http_{os.getpid()}"))
        with cheaply_hashed():
            opened = stack.enter_context(
                open_installation(database, tmp_path_factory.mktemp("blobs"))
            )
        yield opened, database.owner_url


@pytest.fixture
def installation(_opened: tuple[Installation, str]) -> Iterator[Installation]:
    """An empty installation. One database emptied between tests: 40 ms instead of seconds."""
    opened, owner_url = _opened
    yield opened
    with psycopg.connect(owner_url, autocommit=True) as connection:
        tables = connection.execute(
            "SELECT string_agg(quote_ident(tablename), ', ') FROM pg_tables"
            " WHERE schemaname = 'public' AND tablename <> ALL(%s)",
            (list(KEPT_TABLES),),
        ).fetchone()
        assert tables is not None
        # What tells of refused sign-ins appends from a thread of its own, in another order.
        for _ in range(EMPTYING_TRIES):
            with suppress(psycopg.errors.DeadlockDetected):
                connection.execute(f"TRUNCATE {tables[0]} CASCADE")
                break
        else:
            pytest.fail("the database could not be emptied")
    for path in opened.objects.staging.iterdir():
        path.unlink()


@pytest.fixture
def own_installation(database: Database, tmp_path: Path) -> Iterator[Installation]:
    """One that the test may break."""
    with open_installation(database, tmp_path / "blobs") as opened:
        yield opened


@pytest.fixture
def musician(installation: Installation) -> TestClient:
    """Signed up and signed in by cookie; the first account, so its operator too."""
    return installation.signed_up()


@pytest.fixture(scope="session")
def tenants(
    postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Tenants]:
    """The whole application with a worker behind it, and several who share it."""
    with ExitStack() as stack:
        database = stack.enter_context(open_database(postgres, f"tenants_{os.getpid()}"))
        with cheaply_hashed():
            opened = stack.enter_context(open_tenants(database, tmp_path_factory.mktemp("tenants")))
        yield opened


@pytest.fixture(autouse=True)
def fresh_proofs(request: pytest.FixtureRequest) -> None:
    """Whoever shares the installation has just proven who they are, however long the tests before
    took: a proof lasts five minutes.
    """
    if "tenants" in request.fixturenames:
        tenants: Tenants = request.getfixturevalue("tenants")
        for tenant in (tenants.operator, tenants.one, tenants.other):
            tenant.prove("credentials_sessions")


@pytest.fixture(scope="session")
def visitor(tenants: Tenants) -> Iterator[TestClient]:
    """A client that is nobody and keeps to the page it is sent to."""
    with TestClient(tenants.house.app, follow_redirects=False) as client:
        yield client
