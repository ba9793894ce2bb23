from __future__ import annotations

import os
from collections.abc import Iterator

import psycopg
import pytest
from starlette.testclient import TestClient

from runtime.engines.postgres import EmbeddedPostgres
from tests.conftest import Database, _of
from tests.integration.read_api.library import Library, open_library


@pytest.fixture(scope="session")
def library(
    postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Library]:
    """One installation for all: every test signs up somebody of its own."""
    name = f"read_api_{os.getpid()}"
    with psycopg.connect(postgres.owner_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE migrated")
        connection.execute(f"GRANT CREATE ON DATABASE {name} TO noculture_app")
    database = Database(_of(postgres.owner_url, name), _of(postgres.app_url, name))
    with open_library(database, tmp_path_factory.mktemp("blobs")) as opened:
        yield opened
    with psycopg.connect(postgres.owner_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def http(library: Library) -> Iterator[TestClient]:
    with TestClient(library.app) as client:
        yield client
