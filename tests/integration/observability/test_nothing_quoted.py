"""What Postgres says of a row that it refuses gets into no log, no table and no trace."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from events.envelope import Recorded
from processors.account.erasure import EraseContentsEffect
from projections.account.accounts import Accounts
from runtime.engines.postgres import EmbeddedPostgres
from runtime.observability import safe_lines
from runtime.observability.logs import TEXT
from schemas.telling import safely, trace_of
from tests.conftest import Database
from tests.integration.account.erasure.house import House, eventually, open_house

CANARY = "canaryqx92"
# What each of them says quotes the value: in its message, its DETAIL or its CONTEXT.
REFUSED = {
    "unique violation": (
        "23505",
        f"INSERT INTO shelf VALUES (1, '{CANARY}'), (2, '{CANARY}')",
    ),
    "not null, with the row": ("23502", f"INSERT INTO shelf VALUES (NULL, '{CANARY}')"),
    "check, with the row": ("23514", f"INSERT INTO shelf VALUES (-1, '{CANARY}')"),
    "invalid text": ("22P02", f"SELECT '{CANARY}'::integer"),
    "no JSON": ("22P02", f"SELECT '{{\"a\": {CANARY}'::jsonb"),
    "no date": ("22007", f"SELECT '{CANARY}'::timestamptz"),
    "raised with the value": ("P0001", f"DO $$ BEGIN RAISE EXCEPTION '{CANARY}'; END $$"),
    "context of PL/pgSQL": ("22P02", f"DO $$ BEGIN PERFORM '{CANARY}'::integer; END $$"),
    "a column that is not": ("42703", f"SELECT {CANARY}"),
    "syntax": ("42601", f"SELEC '{CANARY}'"),
}


@pytest.fixture
def house(database: Database, tmp_path: Path) -> Iterator[House]:
    with psycopg.connect(database.owner_url) as connection:
        connection.execute(
            "CREATE TABLE shelf (id int PRIMARY KEY CHECK (id > 0), name text UNIQUE)"
        )
        connection.execute("GRANT ALL ON shelf TO noculture_app")
    with open_house(database, tmp_path) as opened:
        yield opened


@pytest.fixture
def lines() -> Iterator[Callable[[], str]]:
    out, before = io.StringIO(), logging.getLogRecordFactory()
    handler = logging.StreamHandler(out)
    handler.setFormatter(logging.Formatter(TEXT))
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    logging.setLogRecordFactory(safe_lines.SafeRecord)
    try:
        yield out.getvalue
    finally:
        logging.setLogRecordFactory(before)
        root.removeHandler(handler)
        root.setLevel(level)


def refused(house: House, statement: Any) -> psycopg.Error:
    with house.core.pool.connection() as connection:
        try:
            connection.execute(statement)
        except psycopg.Error as error:
            return error
    raise AssertionError("it was not refused")


@pytest.mark.parametrize("what", REFUSED)
def test_it_is_told_by_its_codes(house: House, postgres: EmbeddedPostgres, what: str):
    state, statement = REFUSED[what]
    error = refused(house, statement)
    told = safely(error)
    assert f"[{state}]" in told
    assert CANARY in f"{error}{error.diag.message_detail}{error.diag.context}"
    assert CANARY not in told + trace_of(error)
    assert CANARY not in postgres.log.read_text(), "nor in Postgres' own log"


def test_the_context_of_a_copy_is_not_told(house: House, postgres: EmbeddedPostgres):
    def copy() -> None:
        with (
            house.core.pool.connection() as connection,
            connection.cursor().copy("COPY shelf FROM STDIN") as rows,
        ):
            rows.write(f"{CANARY}\t{CANARY}\n")

    with pytest.raises(psycopg.Error, match=CANARY) as raised:
        copy()
    assert CANARY not in safely(raised.value) + trace_of(raised.value)
    assert CANARY not in postgres.log.read_text()


def test_names_of_what_was_broken_are_told(house: House):
    told = safely(refused(house, REFUSED["unique violation"][1]))
    assert "table_name=shelf" in told
    assert "constraint_name=shelf_name_key" in told


def everywhere(house: House) -> str:
    """Every row of every table as text, but for the views, which are to show what people wrote."""
    tables = house.rows(
        "SELECT format('%%I.%%I', schemaname, tablename) FROM pg_tables"
        " WHERE schemaname = 'public' AND tablename <> 'events'"
    )
    return "\n".join(str(house.rows(f"SELECT t::text FROM {table} t")) for (table,) in tables)


def test_no_part_of_a_worker_stores_logs_or_traces_what_an_error_quotes(
    house: House,
    lines: Callable[[], str],
    spans: InMemorySpanExporter,
    monkeypatch: pytest.MonkeyPatch,
):
    """A projection that parks, an effect that is tried again, a request that broke."""
    insert = REFUSED["not null, with the row"][1]

    def fold(self: Accounts, rows: object, event: Recorded) -> None:
        raise refused(house, insert)

    def perform(self: EraseContentsEffect, event: Recorded) -> None:
        raise refused(house, REFUSED["raised with the value"][1])

    def broken() -> None:
        raise refused(house, insert)

    monkeypatch.setattr(Accounts, "fold", fold)
    monkeypatch.setattr(EraseContentsEffect, "perform", perform)
    house.app.add_api_route("/api/broken", broken)
    with house.worker():
        ada = house.signed_up("ada@example.org")
        assert ada.get("/api/broken").status_code == 500
        eventually(lambda: house.rows("SELECT 1 FROM parked_streams"))
        house.erase(ada)
        eventually(lambda: house.rows("SELECT 1 FROM effects WHERE error IS NOT NULL"))
        stored = everywhere(house)
    assert "NotNullViolation [23502]" in stored
    assert "RaiseException [P0001]" in stored
    assert CANARY not in stored
    assert "failed" in lines()
    assert "NotNullViolation" in lines()
    assert CANARY not in lines()
    told = "".join(span.to_json() for span in spans.get_finished_spans())
    assert "GET /api/broken" in told
    assert CANARY not in told


def test_a_consumer_that_is_stopped_quotes_nothing(house: House, monkeypatch: pytest.MonkeyPatch):
    """As a money consumer is by the first event that it cannot digest."""
    error = refused(house, REFUSED["unique violation"][1])

    def fold(self: Accounts, rows: object, event: Recorded) -> None:
        raise error

    monkeypatch.setattr(Accounts, "fold", fold)
    monkeypatch.setattr(Accounts, "money", True)
    with house.worker():
        house.signed_up("ada@example.org")
        stopped = "SELECT stopped FROM consumers WHERE stopped IS NOT NULL"
        eventually(lambda: house.rows(stopped))
        assert "UniqueViolation [23505]" in str(house.rows(stopped))
        assert CANARY not in str(house.rows(stopped))
