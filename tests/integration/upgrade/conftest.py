"""Installations made of what a released version has stored."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from runtime.engines.postgres import EmbeddedPostgres
from runtime.migrate import migrate
from tests.conftest import Database
from tests.released.fixture import ROOT, read_json, restore_database, unpack_data, versions
from tests.released.people import comes_true
from tests.released.product import (
    CONSUMERS,
    DISPATCHER,
    TIMERS,
    Product,
    before_ready,
    open_product,
)


@dataclass(frozen=True)
class Released:
    """One version: its folder, what `story.json` tells, and two databases as it left them."""

    folder: Path
    story: dict[str, Any]
    one: Database
    other: Database


@pytest.fixture(scope="module", params=versions())
def released(request: pytest.FixtureRequest, postgres: EmbeddedPostgres) -> Iterator[Released]:
    folder = ROOT / request.param
    name = f"released_{os.getpid()}_{versions().index(request.param)}"
    one = postgres.make_database(name)
    restore_database(folder, one)
    migrate(one.owner_url)
    other = postgres.make_database(f"{name}_continued", template=name)
    yield Released(folder, read_json(folder, "story"), one, other)
    postgres.drop_database(f"{name}_continued")
    postgres.drop_database(name)


@pytest.fixture(scope="module")
def stored(released: Released, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """As it was stored: nothing works on it."""
    with _opened(released, released.one, tmp_path_factory.mktemp("stored")) as product:
        yield product


@pytest.fixture(scope="module")
def continued(released: Released, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The same once a worker has done all that was left to do."""
    with _opened(released, released.other, tmp_path_factory.mktemp("continued")) as product:
        product.execute("UPDATE saga_timers SET due_at = now() WHERE token = 'retry'")
        with product.working(CONSUMERS, DISPATCHER, TIMERS, *product.effects()):
            # What is left undone then, the tests name.
            comes_true(product.is_idle, within_s=40)
        yield product


@contextmanager
def _opened(released: Released, database: Database, data: Path) -> Iterator[Product]:
    unpack_data(released.folder, data)
    with open_product(database, data) as product:
        before_ready(product.core)
        yield product
