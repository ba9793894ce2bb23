"""P2: events in bulk through the append, against COPY of the same finished rows.

Ours starts from the commands' events: frames, leaf hashes, versions and idempotency checked, chain,
a row for each command. COPY gets every column ready made and only writes, into the same table with
the same indexes. Both commit each group.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg

from benchmarks.bulk import append_all
from benchmarks.long_log import command
from benchmarks.result import Result
from benchmarks.rig import Database, Rig
from events.ids import AnalysisId
from events.store.pending import Append

GOAL = 0.45
GROUPS = (500, 2_000, 5_000)
# The headline is an import: a command brings one recording's events, the first with a claim.
EVENTS_A_COMMAND, HARDEST = 10, 1
EVENTS_A_ROUND, QUICK_EVENTS_A_ROUND, ROUNDS = 40_000, 1_000, 3
Row = tuple[Any, ...]
# fmt: off
COLUMN_TYPES = (
    "int8", "text", "text", "int8", "text", "text", "int4", "timestamptz", "timestamptz", "text",
    "text", "text", "text", "text", "bytea", "bytea", "bytea", "bytea", "bytea",
)
# fmt: on


def measure(rig: Rig) -> list[Result]:
    groups = (500,) if rig.quick else GROUPS
    results = [_measure(rig, EVENTS_A_COMMAND, size) for size in groups]
    return [*results, _measure(rig, HARDEST, groups[-1])]


def _measure(rig: Rig, events_a_command: int, group_size: int) -> Result:
    rounds = 1 if rig.quick else ROUNDS
    count = QUICK_EVENTS_A_ROUND if rig.quick else EVENTS_A_ROUND
    ours_database, copy_database = rig.database(), rig.database()
    ours: list[float] = []
    theirs: list[float] = []
    two: list[float] = []
    for _ in range(rounds):
        commands = _commands(count, events_a_command)
        ours.append(_rate(count, _ours, ours_database, commands, group_size))
        rows = _last_rows(ours_database, count)
        theirs.append(_rate(count, _copy, copy_database, rows, group_size))
        commands = _commands(count, events_a_command)
        two.append(_rate(count, _two, ours_database, commands, group_size))
    mine, their = statistics.median(ours), statistics.median(theirs)
    return Result(
        name="P2",
        title=f"bulk append, groups of {group_size:,}, {events_a_command} events a command",
        ours=mine,
        peer="COPY of finished rows",
        theirs=their,
        ratio=mine / their,
        goal=GOAL,
        unit="events/s",
        details={
            "rounds_ours": [round(rate) for rate in ours],
            "rounds_theirs": [round(rate) for rate in theirs],
            "two_connections_ours": [round(rate) for rate in two],
        },
    )


def _commands(events: int, events_each: int) -> list[Append]:
    return [command(AnalysisId.new(), 1, events_each) for _ in range(events // events_each)]


def _rate(count: int, work: Any, *arguments: Any) -> float:
    gc.collect()
    began = time.perf_counter()
    work(*arguments)
    return count / (time.perf_counter() - began)


def _ours(database: Database, commands: list[Append], group_size: int) -> None:
    per_group = group_size // len(commands[0].events)
    groups = [commands[at : at + per_group] for at in range(0, len(commands), per_group)]
    with psycopg.connect(database.app_url, autocommit=True) as connection:
        append_all(connection, groups)


def _two(database: Database, commands: list[Append], group_size: int) -> None:
    """Half of it each on two connections at once: what one gains while the other commits."""
    half = len(commands) // 2
    with ThreadPoolExecutor(2) as threads:
        list(
            threads.map(
                lambda part: _ours(database, part, group_size), (commands[:half], commands[half:])
            )
        )


def _last_rows(database: Database, count: int) -> list[Row]:
    with psycopg.connect(database.app_url) as connection:
        cursor = connection.cursor(binary=True)
        statement = "SELECT * FROM events ORDER BY position DESC LIMIT %s"
        return cursor.execute(statement, (count,)).fetchall()[::-1]


def _copy(database: Database, rows: Sequence[Row], group_size: int) -> None:
    # As the owner: a part of the product may append, never write the table itself.
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        for at in range(0, len(rows), group_size):
            with connection.cursor().copy("COPY events FROM STDIN (FORMAT binary)") as copy:
                copy.set_types(COLUMN_TYPES)
                for row in rows[at : at + group_size]:
                    copy.write_row(row)
