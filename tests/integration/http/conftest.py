from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.conftest import Database
from tests.integration.http.app import Installation, open_installation


@pytest.fixture
def installation(database: Database, tmp_path: Path) -> Iterator[Installation]:
    with open_installation(database, tmp_path / "blobs") as opened:
        yield opened


@pytest.fixture
def musician(installation: Installation) -> TestClient:
    """Signed up and signed in by cookie; the first account, so its operator too."""
    return installation.signed_up()
