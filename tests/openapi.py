"""The OpenAPI document of the composed application. `python -m tests.openapi` writes it anew."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastapi import FastAPI
from psycopg_pool import ConnectionPool

from commands.unit import Commands
from events.log.progress import LogProgress
from events.log.tail import LogTail
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from events.store.subject_keys import PostgresSubjectKeys
from runtime.app import build_app
from runtime.composition import Core, object_store
from runtime.settings import load_settings

OPENAPI = Path(__file__).parent.parent / "schemas" / "openapi.json"
# Nobody listens there: describing the routes needs no database.
NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


class NoTail(LogTail):
    def _run(self) -> None:
        """Ends at once: there is no log to listen to."""


@contextmanager
def composed_app() -> Iterator[FastAPI]:
    """The whole application, without anything behind it."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(data=Path(folder))
        pool = ConnectionPool(NOWHERE, open=False)
        log, tail = PostgresLog(NOWHERE, pool), NoTail(NOWHERE)
        codec = EventCodec(PostgresSubjectKeys(pool, b"m" * 32))
        core = Core(
            settings=settings,
            url=NOWHERE,
            pool=pool,
            log=log,
            codec=codec,
            commands=Commands(log, pool, codec, b"k" * 32),
            objects=object_store(settings),
            progress=LogProgress(pool, settings.event_log),
            watching=pool,
        )
        try:
            yield build_app(core, tail)
        finally:
            tail.close()
            log.close()


def document_text() -> str:
    """As it is checked in: without the version, which says nothing of the routes."""
    with composed_app() as app:
        document = app.openapi()
    del document["info"]["version"]
    return json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    OPENAPI.write_text(document_text(), "utf-8")
