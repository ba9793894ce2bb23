from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from runtime.engines.postgres import EmbeddedPostgres
from tests.conftest import open_database
from tests.integration.library import Library, open_library


@pytest.fixture(scope="session")
def library(
    postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Library]:
    """One installation for all: every test signs up somebody of its own."""
    with (
        open_database(postgres, f"read_api_{os.getpid()}") as database,
        open_library(database, tmp_path_factory.mktemp("blobs")) as opened,
    ):
        yield opened


@pytest.fixture(scope="session")
def http(library: Library) -> Iterator[TestClient]:
    with TestClient(library.app) as client:
        yield client
