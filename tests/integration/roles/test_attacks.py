"""What somebody tries who has come into the possession of one role's password: none of it works."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from commands.unit import Commands
from events.ids import AssetId
from events.store.log import PostgresLog
from events.store.postgres import append_in
from runtime.engines.postgres import Database, EmbeddedPostgres
from runtime.rights import FUNCTIONS, TABLES
from tests.integration.store.conftest import append_of, pending

ROLES = ("app", "worker", "relay", "reader")
THE_LOG = ("events", "claims", "commands", "log_identity", "migrations")
REFUSED = [
    *(f"DELETE FROM {table}" for table in THE_LOG),
    *(f"TRUNCATE {table}" for table in THE_LOG),
    *(f"INSERT INTO {table} SELECT * FROM {table} LIMIT 1" for table in THE_LOG),
    "UPDATE events SET data = data",
    "UPDATE claims SET stream_id = 'ast_x'",
    "UPDATE commands SET input_hash = ''",
    "UPDATE log_identity SET epoch = 0",
    "UPDATE log_tree SET root = ''",
    "DELETE FROM log_checkpoints",
    "UPDATE migrations SET sha256 = ''",
    "ALTER TABLE events DISABLE TRIGGER ALL",
    "ALTER TABLE events OWNER TO CURRENT_USER",
    "ALTER FUNCTION append_events SECURITY INVOKER",
    "DROP TABLE claims",
    "DROP FUNCTION append_events",
    "CREATE TABLE public.mine (n int)",
    "CREATE TABLE views.mine (n int)",
    "CREATE TEMP TABLE events (n int)",
    "CREATE FUNCTION public.sha256(bytea) RETURNS bytea LANGUAGE sql AS 'SELECT $1'",
    "CREATE FUNCTION pg_temp.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE SCHEMA mine",
    "CREATE SCHEMA noculture",
    "CREATE SCHEMA noculture_app",
    "CREATE EXTENSION hstore",
    "CREATE EXTENSION dblink",
    "CREATE RULE mine AS ON INSERT TO events DO INSTEAD NOTHING",
    "CREATE TRIGGER mine BEFORE INSERT ON events EXECUTE FUNCTION tsvector_update_trigger()",
    "CREATE ROLE mine SUPERUSER",
    "CREATE DATABASE mine",
    "COPY events TO PROGRAM 'cat'",
    "COPY events TO '/tmp/mine'",
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT pg_ls_dir('.')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_create(0)",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT * FROM pg_authid",
    "SELECT * FROM pg_shadow",
    "SELECT pg_logical_emit_message(false, 'x', 'x')",
    "SELECT pg_switch_wal()",
    "SELECT pg_reload_conf()",
    "SET ROLE noculture",
    "SET ROLE noculture_admin",
    "SET SESSION AUTHORIZATION noculture",
    "SET session_replication_role = replica",
    "ALTER SYSTEM SET fsync = off",
    "ALTER DATABASE noculture SET search_path = mine",
    "ALTER ROLE noculture PASSWORD 'mine'",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "ALTER ROLE CURRENT_USER CONNECTION LIMIT 1000",
    "GRANT noculture TO CURRENT_USER",
    "SELECT make_view_schema('noculture')",
    "SELECT make_view_schema('pg_mine_1_1')",
]
SECRETS = ("credentials_logins", "credentials_sessions", "credentials_passkeys", "subject_keys")
TRIED = [(role, statement) for role in ROLES for statement in REFUSED]


@pytest.fixture
def connected(database: Database) -> Iterator[dict[str, psycopg.Connection]]:
    """One connection as each role, which tried to allow itself to write first."""
    opened = {
        role: psycopg.connect(getattr(database, f"{role}_url"), autocommit=True)
        for role in (*ROLES, "owner")
    }
    opened["reader"].execute("SET default_transaction_read_only = off")
    opened["worker"].execute("SELECT make_view_schema('views')")
    yield opened
    for connection in opened.values():
        connection.close()


@pytest.mark.parametrize("role", ROLES)
def test_no_role_of_the_product_does_more_than_its_work(
    connected: dict[str, psycopg.Connection], role: str
):
    allowed = {("worker", "CREATE TABLE views.mine (n int)")}
    done = []
    for statement in REFUSED:
        try:
            connected[role].execute(statement.encode())
        except InsufficientPrivilege:
            continue
        except psycopg.errors.UndefinedFile:
            assert statement.startswith("CREATE EXTENSION")
            continue
        done.append((role, statement))
    assert set(done) <= allowed


@pytest.mark.parametrize("table", SECRETS)
def test_who_only_reads_cannot_read_secrets(connected: dict[str, psycopg.Connection], table: str):
    for role in ("relay", "reader"):
        with pytest.raises(InsufficientPrivilege):
            connected[role].execute(f"SELECT * FROM {table}")
    with pytest.raises(InsufficientPrivilege):
        connected["reader"].execute("SELECT filename FROM uploads")


def test_who_only_reads_writes_nothing_anywhere(connected: dict[str, psycopg.Connection]):
    for table in TABLES:
        for statement in (f"DELETE FROM {table}", f"TRUNCATE {table}"):
            with pytest.raises(InsufficientPrivilege):
                connected["reader"].execute(statement)


def test_who_only_reads_cannot_lock_the_log_for_ever(connected: dict[str, psycopg.Connection]):
    for lock in ("pg_advisory_lock", "pg_advisory_xact_lock_shared", "pg_try_advisory_lock"):
        with pytest.raises(InsufficientPrivilege):
            connected["reader"].execute(f"SELECT {lock}(7521980, 1)")


@pytest.mark.parametrize("role", ["reader", "relay"])
def test_only_the_parts_that_append_may_call_the_function_that_does(database: Database, role: str):
    with psycopg.connect(getattr(database, f"{role}_url")) as connection:
        with pytest.raises(InsufficientPrivilege):
            append_in(connection, [append_of(pending(AssetId.new(), 1))])


def test_an_append_finds_no_function_table_or_operator_of_its_caller(
    database: Database, connected: dict[str, psycopg.Connection]
):
    """Even where somebody was given a schema for temporary things: the path is fixed."""
    name = connected["owner"].info.dbname
    connected["owner"].execute(f"GRANT TEMPORARY ON DATABASE {name} TO noculture_worker")
    worker = connected["worker"]
    worker.execute("SELECT make_view_schema('view_evil_1_1')")
    for schema in ("pg_temp", "view_evil_1_1"):
        worker.execute(f"CREATE TABLE {schema}.events (LIKE public.events)")
        worker.execute(f"CREATE TABLE {schema}.claims (LIKE public.claims)")
        worker.execute(
            f"CREATE FUNCTION {schema}.sha256(bytea) RETURNS bytea LANGUAGE sql"
            " AS $$ SELECT '\\x00'::bytea $$"
        )
        worker.execute(
            f"CREATE FUNCTION {schema}.become() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN EXECUTE 'GRANT noculture TO noculture_worker'; RETURN NEW; END $$"
        )
        worker.execute(
            f"CREATE TRIGGER become BEFORE INSERT ON {schema}.events"
            f" FOR EACH ROW EXECUTE FUNCTION {schema}.become()"
        )
    worker.execute("SET search_path = pg_temp, view_evil_1_1, pg_catalog, public")
    (committed,) = append_in(worker, [append_of(pending(AssetId.new(), 1))])
    assert committed.position == 1
    stored = worker.execute("SELECT octet_length(hash) FROM public.events").fetchall()
    assert stored == [(32,)]
    for schema in ("pg_temp", "view_evil_1_1"):
        assert worker.execute(f"SELECT FROM {schema}.events").rowcount == 0
    with pytest.raises(InsufficientPrivilege):
        worker.execute("SET ROLE noculture")


def test_a_worker_cannot_put_a_schema_into_anybodys_path(
    connected: dict[str, psycopg.Connection],
):
    """`"$user"` comes first: a schema of that name would answer for the tables of `public`."""
    worker = connected["worker"]
    worker.execute("SELECT make_view_schema('view_evil_1_1')")
    for name in ("noculture", "noculture_app", "noculture_admin"):
        with pytest.raises(InsufficientPrivilege):
            worker.execute(f"ALTER SCHEMA view_evil_1_1 RENAME TO {name}")


def test_what_a_role_changes_of_itself_lasts_until_the_next_start(
    postgres: EmbeddedPostgres, database: Database
):
    """Nobody can forbid a role its own password and settings."""
    with psycopg.connect(database.reader_url, autocommit=True) as reader:
        reader.execute("SET default_transaction_read_only = off")
        reader.execute("ALTER ROLE CURRENT_USER SET default_transaction_read_only = off")
        reader.execute("ALTER ROLE CURRENT_USER SET statement_timeout = 0")
        reader.execute("ALTER ROLE CURRENT_USER PASSWORD 'mine'")
    postgres.became_ready()
    with psycopg.connect(database.reader_url) as reader:
        assert reader.execute("SHOW default_transaction_read_only").fetchone() == ("on",)
        assert reader.execute("SHOW statement_timeout").fetchone() == ("1min",)


def test_no_role_of_the_product_reaches_another_database(postgres: EmbeddedPostgres):
    for role in ("noculture_app", "noculture_worker", "noculture_relay", "noculture_reader"):
        for database in ("postgres", "template1"):
            with pytest.raises(psycopg.OperationalError, match="permission denied"):
                psycopg.connect(postgres.url(role, database))


def test_the_owner_and_the_one_who_copies_are_no_superusers(postgres: EmbeddedPostgres):
    with psycopg.connect(postgres.owner_url, autocommit=True) as owner:
        found = owner.execute(
            "SELECT rolname FROM pg_roles WHERE rolname ~ '^noculture' AND (rolsuper"
            " OR rolcreaterole OR rolcreatedb OR rolbypassrls OR rolreplication) ORDER BY 1"
        ).fetchall()
        assert [name for (name,) in found] == ["noculture_admin", "noculture_backup"]
        for statement in (
            "COPY (SELECT 1) TO PROGRAM 'cat'",
            "CREATE ROLE mine",
            "ALTER SYSTEM RESET ALL",
        ):
            with pytest.raises(InsufficientPrivilege):
                owner.execute(statement.encode())


def test_every_table_and_function_was_decided_about(database: Database):
    """Who adds one says in runtime/rights.py who may do what with it."""
    with psycopg.connect(database.owner_url) as owner:
        tables = owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        assert {name for (name,) in tables} == set(TABLES)
        functions = owner.execute(
            "SELECT proname, prosecdef, proconfig, has_function_privilege('public', oid, 'EXECUTE')"
            " FROM pg_proc p WHERE pronamespace = 'public'::regnamespace AND NOT EXISTS ("
            " SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')"
        ).fetchall()
    assert {name for name, *_ in functions} == set(FUNCTIONS)
    for name, as_owner, settings, by_everybody in functions:
        assert not by_everybody, name
        if as_owner:
            (path,) = [each for each in settings if each.startswith("search_path=")]
            assert path.endswith("pg_temp"), name


def test_the_work_goes_on(log: PostgresLog, commands: Commands):
    assert log.append(append_of(pending(AssetId.new(), 1))).position == 1
