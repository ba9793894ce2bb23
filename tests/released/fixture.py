"""The folder of one released version: how it is written, and how an installation is made of it.

- `database.sql.xz`: the database as `pg_dump` writes it
- `topics.jsonl.xz`: every record of the Kafka topics
- `data.tar.xz`: the rest of the installation: secrets made for this, blobs, checkpoints, register
- `views/<name>.txt.xz`: each view's columns, then its rows as Postgres prints them
- `commands.json`: requests with an `Idempotency-Key`, and what each was answered when repeated
- `story.json`: when it was written, who is in it, where consumers stood, how sagas must end
"""

from __future__ import annotations

import io
import json
import lzma
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from runtime.engines.postgres_programs import find_programs
from tests.conftest import Database

ROOT = Path(__file__).parent.parent / "fixtures" / "released"
KEPT_OF_DATA = ("secrets", "blobs", "checkpoints", "erasures")


def versions() -> list[str]:
    return sorted(folder.name for folder in ROOT.iterdir())


def dump_database(database: Database, folder: Path) -> None:
    options = ("--no-comments", "--restrict-key=released")
    dump = _client("pg_dump", database.admin_url, *options)
    (folder / "database.sql.xz").write_bytes(compress(dump))


def restore_database(folder: Path, database: Database) -> None:
    """Into one that is new and empty."""
    dump = lzma.decompress((folder / "database.sql.xz").read_bytes())
    options = ("--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--single-transaction")
    _client("psql", database.admin_url, *options, input=dump)
    with psycopg.connect(database.admin_url) as admin:
        # As if it had been written just now: a timer that was far away is far away.
        admin.execute(
            "UPDATE saga_timers SET due_at = due_at + (now() - %s::timestamptz)",
            (read_json(folder, "story")["written_at"],),
        )


def pack_data(data: Path, folder: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in KEPT_OF_DATA:
            archive.add(data / name, name)
    (folder / "data.tar.xz").write_bytes(compress(packed.getvalue()))


def unpack_data(folder: Path, data: Path) -> None:
    with tarfile.open(folder / "data.tar.xz") as archive:
        archive.extractall(data, filter="data")


def write_records(folder: Path, records: list[dict[str, Any]]) -> None:
    text = "".join(json.dumps(record) + "\n" for record in records)
    (folder / "topics.jsonl.xz").write_bytes(compress(text.encode()))


def read_records(folder: Path) -> list[dict[str, Any]]:
    text = lzma.decompress((folder / "topics.jsonl.xz").read_bytes()).decode()
    return [json.loads(line) for line in text.splitlines()]


def write_json(folder: Path, name: str, content: Any) -> None:
    text = json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True)
    (folder / f"{name}.json").write_text(text + "\n")


def read_json(folder: Path, name: str) -> Any:
    return json.loads((folder / f"{name}.json").read_text())


def write_view(folder: Path, view: str, text: str) -> None:
    (folder / "views").mkdir(exist_ok=True)
    (folder / "views" / f"{view}.txt.xz").write_bytes(compress(text.encode()))


def read_view(folder: Path, view: str) -> str:
    return lzma.decompress((folder / "views" / f"{view}.txt.xz").read_bytes()).decode()


def view_text(connection: psycopg.Connection[Any], view: str) -> str:
    """Its columns, then its rows in one order whatever order they lie in."""
    connection.execute("SET TIME ZONE 'UTC'")
    rows = connection.execute(
        f'SELECT v::text FROM views."{view}" v ORDER BY v::text COLLATE "C"'.encode()
    ).fetchall()
    described = connection.execute(f'SELECT * FROM views."{view}" LIMIT 0'.encode()).description
    names = ",".join(column.name for column in described or ())
    return "\n".join([names, *(row for (row,) in rows)]) + "\n"


def compress(content: bytes) -> bytes:
    return lzma.compress(content, preset=lzma.PRESET_EXTREME)


def _client(program: str, url: str, *arguments: str, input: bytes | None = None) -> bytes:
    """A program of the embedded Postgres, against the database of this URL."""
    address = conninfo_to_dict(url)
    command = [
        find_programs(Path("/nonexistent")).program(program),
        *("--host", str(address["host"]), "--port", str(address["port"])),
        *("--username", str(address["user"]), "--dbname", str(address["dbname"])),
        *arguments,
    ]
    environment = {"PGPASSWORD": str(address["password"]), "LC_ALL": "C"}
    done = subprocess.run(command, input=input, env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
