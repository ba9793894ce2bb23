"""The vault's table, bytes and all, is the same however its two streams reach it."""

from __future__ import annotations

import random
from collections.abc import Sequence

import psycopg
from psycopg import sql
from psycopg_pool import ConnectionPool

from events.envelope import Recorded
from processors.consumers.projection import ProjectionConsumer
from processors.consumers.views import create_build
from projections.vault.vault import Vault
from tests.conftest import Database
from tests.specification import history, interleavings
from tests.unit.vault.one_asset import (
    completed,
    deleted,
    edited,
    failed,
    requested,
    uploaded,
    verified,
)

LIVES = (
    (uploaded, verified, requested, edited(title="Été"), failed, requested, completed),
    (uploaded, verified, edited(tempo_bpm=None, key="C# major"), requested, completed, deleted),
)
ORDERS = 12


def test_any_interleaving_in_any_batches_gives_the_same_bytes(database: Database):
    draw = random.Random(7)
    with (
        ConnectionPool(database.worker_url, min_size=1, max_size=1) as pool,
        pool.connection() as c,
    ):
        create_build(c, Vault(), 1)
        for life in LIVES:
            log = history(*life)
            expected = folded(c, [log])
            orders = list(interleavings(log))
            for order in draw.sample(orders, min(ORDERS, len(orders))):
                cut = draw.randrange(len(order) + 1)
                assert folded(c, [order[:cut], order[cut:]]) == expected, [e.type for e in order]
                assert folded(c, [[event] for event in order]) == expected


def folded(connection: psycopg.Connection, batches: Sequence[Sequence[Recorded]]) -> list[str]:
    """The table's rows as text after these batches."""
    view = ProjectionConsumer(Vault())
    view.use_build(1)
    table = sql.Identifier(f"view_vault_{Vault.version}_1", "vault")
    connection.execute(sql.SQL("TRUNCATE {}").format(table))
    for batch in batches:
        view.apply(connection, batch)
    rows = connection.execute(sql.SQL("SELECT t::text FROM {} t ORDER BY 1").format(table))
    return [row for (row,) in rows]
