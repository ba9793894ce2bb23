"""Real engines for all tests: one embedded Postgres and one Kafka a session, a fresh database a
test.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from runtime.engines.kafka import EmbeddedKafka
from runtime.engines.postgres import Database, EmbeddedPostgres
from runtime.migrate import migrate
from runtime.settings import load_settings

__all__ = ["Database"]

# Test clients call every application that is put together here by this name.
os.environ["NOCULTURE_ALLOWED_HOSTS"] = "testserver"

LEVELS = ("unit", "integration", "kafka", "e2e", "faults")
# Of tests/faults, what starts engines or children only.
NO_INSTALLATION = (
    "tests/faults/test_bench.py",
    "tests/faults/test_hostile_audio.py",
    "tests/faults/test_postgres_crash.py",
    "tests/faults/test_relay_engines.py",
    "tests/faults/test_relay_network.py",
    "tests/faults/test_stopped_writer.py",
)
# The longest of what comes last: 40 s of tests that share nothing.
ONE_BY_ONE = "tests/unit/simulator/test_simulator.py"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    # Commits outlive every process that a test kills; only a crash of the machine loses them.
    engine = EmbeddedPostgres(
        tmp_path_factory.mktemp("engine") / "postgres", settings={"fsync": "off"}
    )
    engine.start()
    migrate(engine.make_database("migrated").owner_url)
    yield engine
    engine.stop()


@contextmanager
def open_database(postgres: EmbeddedPostgres, name: str) -> Iterator[Database]:
    """A copy of the migrated template. Through the log it takes 60 to 100 ms and its end 20; by
    file copy, which flushes all there is, 80 to 120 and 40.
    """
    yield postgres.make_database(name, template="migrated")
    postgres.drop_database(name)


@pytest.fixture
def database(postgres: EmbeddedPostgres) -> Iterator[Database]:
    with open_database(postgres, f"test_{os.getpid()}_{next(_numbers)}") as database:
        yield database


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    engine = EmbeddedKafka(
        tmp_path_factory.mktemp("engine") / "kafka", load_settings().shared_cache_dir
    )
    engine.start()
    yield engine
    engine.stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Cheap levels first: a broken rule shows before a browser starts. Side by side the long ones
    first, so that nobody waits for them at the end.
    """
    items.sort(key=lambda item: _level(item.nodeid), reverse="PYTEST_XDIST_WORKER" in os.environ)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """With `--dist loadfile`."""
    return _FileByFile(config, log)


class _FileByFile(LoadScopeScheduling):
    """Side by side, whole installations go one after another beside everything else, and so do the
    browser's tests: two browsers at once on two cores are so slow that one gives up waiting. The
    simulator's tests are given out one by one: as a file they left one worker idle at the end.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        level = LEVELS[_level(nodeid)]
        if level == "faults" and file not in NO_INSTALLATION:
            return "whole installations"
        if file == ONE_BY_ONE:
            return nodeid
        return level if level == "e2e" else file


def _level(nodeid: str) -> int:
    folder = nodeid.removeprefix("tests/").partition("/")[0]
    return LEVELS.index(folder) if folder in LEVELS else 0
