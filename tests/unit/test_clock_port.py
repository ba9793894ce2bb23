"""The rooms of rules and sagas ask the clock's port for the time, and never the machine
(docs/adr/0031).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
# Rules and sagas get their time handed in: they have not even the port.
PURE = ("aggregates", "sagas")
ASKING = ("commands", "processors/sagas", "processors/system/operating.py")
# Proofs, tickets, limits and uploads stay on the machine's or the database's time, and so do the
# pauses between two tries.
ON_THE_MACHINE = {
    "commands/account/address_codes.py": "codes of a mail",
    "commands/account/authentication.py": "sessions and limits",
    "commands/account/erasure_links.py": "links of a mail",
    "commands/account/keys.py": "keys",
    "commands/account/party_erasures.py": "links of a mail",
    "commands/account/passkeys.py": "challenges",
    "commands/account/proofs.py": "proofs",
    "commands/account/recovery.py": "links of a mail",
    "commands/account/reset_links.py": "links of a mail",
    "commands/account/second_factor.py": "TOTP",
    "commands/account/sessions.py": "sessions and sign-in links",
    "commands/account/signing_in.py": "tickets",
    "commands/closing.py": "for how many days an erased workspace is looked at again",
    "commands/vault/direct.py": "uploads",
    "commands/vault/resumable.py": "uploads",
    "processors/sagas/rows.py": "leases and pauses of commands",
}
READINGS = {
    *("utc_now", "datetime.now", "datetime.utcnow", "datetime.today", "date.today"),
    *("time.time", "time.time_ns", "time.gmtime", "time.localtime"),
}
IN_SQL = ("clock_timestamp()", "now()", "current_timestamp")


def readings(source: str) -> Iterator[str]:
    """What in this source reads a clock that tells the time of day."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in READINGS:
                yield name
            case ast.Call(func=ast.Attribute(attr=attribute, value=value)):
                whose = ast.unparse(value).rpartition(".")[2]
                if f"{whose}.{attribute}" in READINGS or attribute in READINGS:
                    yield f"{whose}.{attribute}"
            case ast.Constant(value=str(text)) if any(each in text.lower() for each in IN_SQL):
                yield text


def files(*rooms: str) -> Iterator[Path]:
    for room in rooms:
        place = ROOT / room
        yield from sorted(place.rglob("*.py")) if place.is_dir() else [place]


def test_no_rule_and_no_handler_reads_the_machines_clock():
    read = {str(file.relative_to(ROOT)) for file in files(*PURE, *ASKING) if any(_of(file))}
    assert read == set(ON_THE_MACHINE)


@pytest.mark.parametrize("room", PURE)
def test_the_pure_rooms_have_no_clock_at_all(room: str):
    for file in files(room):
        imported = [
            *(n.module for n in ast.walk(_tree(file)) if isinstance(n, ast.ImportFrom)),
            *(a.name for n in ast.walk(_tree(file)) if isinstance(n, ast.Import) for a in n.names),
        ]
        assert not {"events.clock", "time"} & set(imported), file


def test_what_a_saga_writes_about_time_names_no_clock_of_the_database():
    """In the one file of both: only commands go by it."""
    rows = _tree(ROOT / "processors/sagas/rows.py")
    methods = [n for n in ast.walk(rows) if isinstance(n, ast.FunctionDef)]
    asking = {n.name for n in methods if any(readings(ast.unparse(n)))}
    assert asking == {"lease_command", "delay_command", "hasten"}


@pytest.mark.parametrize(
    "source",
    [
        "moment = utc_now()",
        "from datetime import datetime as d\nimport datetime\nx = datetime.datetime.now(UTC)",
        "date.today()",
        "import time\ntime.time()",
        "connection.execute('DELETE FROM holds WHERE until < clock_timestamp()')",
    ],
)
def test_a_reading_is_found(source: str):
    assert list(readings(source))


def test_intervals_are_no_time_of_day():
    assert not list(readings("import time\nbegan = time.monotonic()"))


def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


def _of(file: Path) -> Iterator[str]:
    return readings(file.read_text("utf-8"))
