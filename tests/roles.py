"""Rights that only tests need: they bring tables of their own, and play the relay."""

from __future__ import annotations

import psycopg

from runtime.engines.postgres import Database

_STAGE = """
GRANT CREATE ON SCHEMA public TO noculture_app, noculture_worker;
GRANT INSERT, UPDATE, DELETE ON relay_heads, relay_progress TO noculture_worker;
DO $$ BEGIN
    EXECUTE format('GRANT CREATE ON DATABASE %I TO noculture_worker', current_database());
END $$;
"""


def set_the_stage(database: Database) -> Database:
    """Nothing here lets the product change the log, or read what it may not."""
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute(_STAGE)
    return database
