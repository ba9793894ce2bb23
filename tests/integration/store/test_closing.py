"""Whether a workspace is closed is looked up, however many claims there are."""

from __future__ import annotations

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from commands.closing import ERASURE_CLAIM, WorkspaceLocks, closed_among, closed_lately
from events.ids import AccountId, WorkspaceId
from events.store.subject_keys import SubjectGone
from tests.conftest import Database

_READ = "SELECT coalesce(seq_tup_read, 0) FROM pg_stat_user_tables WHERE relname = 'claims'"


def test_a_file_that_was_written_read_every_claim(pool: ConnectionPool, database: Database):
    open_one, closed = WorkspaceId.new(), WorkspaceId.new()
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute(
            "INSERT INTO claims SELECT 'asset-content', 'wsp', n::text, NULL, 'ast', n"
            " FROM generate_series(1, 5000) n"
        )
        owner.execute(
            "INSERT INTO claims VALUES (%s, %s, %s, NULL, 'acc', 5001)",
            (ERASURE_CLAIM, closed, AccountId.new()),
        )
        owner.execute("VACUUM ANALYZE claims")
        before = owner.execute(_READ).fetchone()
        locks = WorkspaceLocks(pool)
        with locks.writing(open_one):
            pass
        with pytest.raises(SubjectGone), locks.writing(closed):
            pass
        with pool.connection() as connection:
            assert closed_among(connection, {open_one, closed}) == {closed}
            assert closed_lately(connection, 7) == []
            connection.execute("SELECT pg_stat_force_next_flush()")
        pool.close()
        owner.execute("SELECT pg_stat_clear_snapshot()")
        assert owner.execute(_READ).fetchone() == before
