"""Real engines for all tests: one embedded Postgres and one Kafka a session, a fresh database a
test.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from runtime.engines.kafka import EmbeddedKafka
from runtime.engines.postgres import EmbeddedPostgres
from runtime.migrate import migrate
from runtime.settings import load_settings

LEVELS = ("unit", "integration", "kafka", "e2e", "faults")
WHOLE_INSTALLATIONS = ("e2e", "faults")
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Database:
    """One migrated database of its own.

    `owner_url` may do everything, `app_url` what the product may.
    """

    owner_url: str
    app_url: str


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    engine = EmbeddedPostgres(tmp_path_factory.mktemp("engine") / "postgres")
    engine.start()
    with psycopg.connect(engine.owner_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE migrated")
    migrate(_of(engine.owner_url, "migrated"))
    yield engine
    engine.stop()


@pytest.fixture
def database(postgres: EmbeddedPostgres) -> Iterator[Database]:
    """A copy of the migrated template: 46 ms by file copy, 129 ms through the log."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(postgres.owner_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE migrated STRATEGY file_copy")
        connection.execute(f"GRANT CREATE ON DATABASE {name} TO noculture_app")
    yield Database(_of(postgres.owner_url, name), _of(postgres.app_url, name))
    with psycopg.connect(postgres.owner_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    engine = EmbeddedKafka(
        tmp_path_factory.mktemp("engine") / "kafka", load_settings().shared_cache_dir
    )
    engine.start()
    yield engine
    engine.stop()


# First of all: xdist reads the groups in this hook too, and an item without one is a group alone.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Cheap levels first: a broken rule shows before a browser starts. Side by side, whole
    installations go one after another beside everything else: two of them at once on two cores are
    so slow that a browser gives up waiting.
    """
    parallel = "PYTEST_XDIST_WORKER" in os.environ
    for item in items:
        whole = LEVELS[_level(item)] in WHOLE_INSTALLATIONS
        group = "installations" if whole else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=_level, reverse=parallel)


def _level(item: pytest.Item) -> int:
    folder = item.path.relative_to(Path(__file__).parent).parts[0]
    return LEVELS.index(folder) if folder in LEVELS else 0


def _of(url: str, database: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{database}"))
