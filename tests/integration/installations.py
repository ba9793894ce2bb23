from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from starlette.testclient import TestClient

from runtime.engines.postgres import EmbeddedPostgres
from tests.conftest import Database, open_database
from tests.integration.http.app import Installation, open_installation
from tests.integration.http.tenants import Installation as Tenants
from tests.integration.http.tenants import open_tenants

KEPT_TABLES = ("log_identity", "migrations")
EMPTYING_TRIES = 5


@pytest.fixture(scope="session")
def _opened(
    postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Installation, str]]:
    with (
        open_database(postgres, f"http_{os.getpid()}") as database,
        open_installation(database, tmp_path_factory.mktemp("blobs")) as opened,
    ):
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
    with (
        open_database(postgres, f"tenants_{os.getpid()}") as database,
        open_tenants(database, tmp_path_factory.mktemp("tenants")) as opened,
    ):
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
