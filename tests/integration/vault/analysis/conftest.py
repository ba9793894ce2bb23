from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from runtime.engines.postgres import EmbeddedPostgres
from tests.conftest import open_database
from tests.integration.vault.analysis.studio import Studio, open_studio


@pytest.fixture(scope="session")
def studio(
    postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Studio]:
    """One installation for all: every test signs up somebody of its own."""
    with (
        open_database(postgres, f"analysis_{os.getpid()}") as database,
        open_studio(database, tmp_path_factory.mktemp("studio")) as opened,
    ):
        yield opened
