"""A cluster whose superuser owns the database, as all were made before, is brought along by the
next start: nothing is lost, and it may be killed at any point.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from events.ids import AssetId
from events.store.postgres import append_in
from events.store.verify import verify
from runtime.engines import postgres_roles
from runtime.engines.postgres import EmbeddedPostgres
from runtime.errors import EngineFailed
from runtime.migrate import migrate, migrations
from runtime.secret_files import SecretFiles
from tests.integration.store.conftest import append_of, pending

OLD_RIGHTS = """
GRANT USAGE, CREATE ON SCHEMA public TO noculture_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO noculture_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO noculture_app;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO noculture_app;
REVOKE UPDATE, DELETE, TRUNCATE ON events FROM noculture_app;
REVOKE UPDATE, DELETE, TRUNCATE ON commands FROM noculture_app;
REVOKE UPDATE, DELETE, TRUNCATE ON log_checkpoints FROM noculture_app;
REVOKE UPDATE, DELETE, TRUNCATE ON log_tree FROM noculture_app;
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON log_identity FROM noculture_app;
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON migrations FROM noculture_app;
GRANT CREATE ON DATABASE noculture TO noculture_app;
"""
VIEWS = """
CREATE SCHEMA view_shelf_1_1;
CREATE TABLE view_shelf_1_1.shelf (asset text PRIMARY KEY, number bigserial);
INSERT INTO view_shelf_1_1.shelf VALUES ('ast_1');
CREATE SCHEMA views;
CREATE VIEW views.shelf AS SELECT * FROM view_shelf_1_1.shelf;
"""
LAST_OLD_MIGRATION = 19
ROLES_OF_OBJECTS = """
SELECT DISTINCT relowner::regrole::text FROM pg_class
WHERE relnamespace::regnamespace::text ~ '^(public|view)' AND relkind IN ('r', 'v', 'S')
"""


class Before(EmbeddedPostgres):
    """As the program before made it."""

    superuser = "noculture"

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url("noculture", "postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    def _ensure_roles(self) -> None:
        with psycopg.connect(self.url("noculture", "postgres"), autocommit=True) as owner:
            if owner.execute("SELECT FROM pg_roles WHERE rolname = 'noculture_app'").rowcount:
                return
            owner.execute("CREATE ROLE noculture_app LOGIN")
            password = self._secrets.postgres_app_password
            owner.execute(f"ALTER ROLE noculture_app PASSWORD '{password}'")
            owner.execute("CREATE DATABASE noculture OWNER noculture")


def old_migrations(owner: psycopg.Connection) -> None:
    owner.execute(
        "CREATE TABLE migrations (number integer PRIMARY KEY, name text NOT NULL,"
        " sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
    )
    for number, name, sql in migrations():
        if number <= LAST_OLD_MIGRATION:
            owner.execute(sql)
            owner.execute(
                "INSERT INTO migrations VALUES"
                " (%s, %s, encode(sha256(convert_to(%s, 'UTF8')), 'hex'))",
                (number, name, sql),
            )
    owner.execute(OLD_RIGHTS)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A stopped installation's `postgres`, with three events, a read model and an account."""
    engine = Before(tmp_path / "postgres")
    engine.start()
    with psycopg.connect(engine.owner_url, autocommit=True) as owner:
        old_migrations(owner)
        owner.execute("INSERT INTO credentials_logins VALUES ('acc_1', 'wsp_1', 'k', 'hash')")
        assert owner.execute(
            "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
        ).fetchone() == (True,)
    with psycopg.connect(engine.app_url, autocommit=True) as app:
        append_in(app, [append_of(pending(AssetId.new(), 1)) for _ in range(3)])
        app.execute(VIEWS)
        # What was wrong with it.
        app.execute("DELETE FROM claims")
        app.execute("CREATE TABLE public.mine (n int)")
        app.execute("DROP TABLE public.mine")
    engine.stop()
    return tmp_path / "postgres"


@pytest.fixture
def engine(old: Path) -> Iterator[EmbeddedPostgres]:
    engine = EmbeddedPostgres(old)
    yield engine
    engine.stop()


def check(engine: EmbeddedPostgres) -> None:
    """Everything is there, belongs to whom it should, and goes on."""
    migrate(engine.owner_url)
    with psycopg.connect(engine.admin_url()) as admin:
        (owners,) = admin.execute(
            f"SELECT array_agg(relowner ORDER BY 1) FROM ({ROLES_OF_OBJECTS}) AS t"
        ).fetchone()
        ours = ["noculture", "noculture_worker"]
        extensions = "SELECT count(*) FROM pg_roles WHERE rolsuper"
        assert owners == ours
        assert admin.execute(extensions).fetchone() == (1,)
    with psycopg.connect(engine.owner_url, autocommit=True) as owner:
        assert verify(owner).events >= 3
        assert owner.execute("SELECT password_hash FROM credentials_logins").fetchone() == ("hash",)
    with psycopg.connect(engine.app_url, autocommit=True) as app:
        assert app.execute("SELECT * FROM views.shelf").fetchall() == [("ast_1", 1)]
        (committed,) = append_in(app, [append_of(pending(AssetId.new(), 1))])
        assert committed.position >= 4
        for statement in ("DELETE FROM claims", "CREATE TABLE mine (n int)", "CREATE SCHEMA mine"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(statement.encode())
    with psycopg.connect(engine.reader_url) as reader:
        assert reader.execute("SELECT asset FROM views.shelf").fetchall() == [("ast_1",)]
    with ConnectionPool(engine.worker_url, min_size=1) as pool, pool.connection() as worker:
        worker.execute("INSERT INTO view_shelf_1_1.shelf VALUES ('ast_2')")
        worker.execute("DROP SCHEMA view_shelf_1_1 CASCADE")
        worker.rollback()


def test_a_cluster_of_before_is_brought_along_at_the_next_start(engine: EmbeddedPostgres):
    engine.start()
    check(engine)
    engine.stop()
    engine.start()
    check(engine)


@pytest.mark.parametrize(
    "step", ["_set", "ensure_logins", "ensure_database", "close_database", "_is_there"]
)
def test_killed_at_any_point_the_next_start_goes_on(
    engine: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch, step: str
):
    """Each call of a step in turn is the last that the first, second, … start came to."""
    real = getattr(postgres_roles, step)
    for survived in range(4):
        calls = iter(range(100))

        def dying(*arguments, limit=survived, calls=calls, **named):
            if next(calls) >= limit:
                raise KeyboardInterrupt
            return real(*arguments, **named)

        monkeypatch.setattr(postgres_roles, step, dying)
        with suppress(KeyboardInterrupt):
            engine.start()
        engine.stop()
    monkeypatch.undo()
    engine.start()
    check(engine)


def test_the_secrets_of_another_installation_are_refused_and_change_nothing(
    old: Path, tmp_path: Path
):
    stranger = EmbeddedPostgres(old, secrets=SecretFiles(tmp_path / "another"))
    with pytest.raises(EngineFailed, match="another"):
        stranger.start()
    stranger.stop()
    engine = EmbeddedPostgres(old)
    engine.start()
    check(engine)
    engine.stop()
