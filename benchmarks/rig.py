"""Real engines for benchmarks: embedded Postgres and Kafka with the settings the product runs."""

from __future__ import annotations

import itertools
import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg_pool import ConnectionPool

from events.log.kafka_topics import KafkaTopics
from events.store.log import SESSION
from runtime.engines.kafka import EmbeddedKafka
from runtime.engines.postgres import Database, EmbeddedPostgres
from runtime.migrate import migrate
from runtime.settings import load_settings

__all__ = ["Database"]


@dataclass
class Rig:
    """Engines start when they are first asked for, and stop with `open_rig`.

    `quick` asks for the smallest run that still takes every path (the suite runs it so); figures
    of a quick run say nothing. `say` tells the person at the terminal what is going on.
    """

    folder: Path
    seed: int
    quick: bool
    say: Callable[[str], None]
    stack: ExitStack
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _made: list[str] = field(default_factory=list)

    @cached_property
    def postgres(self) -> EmbeddedPostgres:
        engine = EmbeddedPostgres(self.folder / "postgres")
        engine.start()
        self.stack.callback(engine.stop)
        return engine

    @cached_property
    def kafka(self) -> EmbeddedKafka:
        return self.stack.enter_context(self.broker("kafka"))

    @contextmanager
    def broker(self, name: str) -> Iterator[EmbeddedKafka]:
        """One more, until the block ends."""
        engine = EmbeddedKafka(self.folder / name, load_settings().shared_cache_dir)
        engine.start()
        try:
            yield engine
        finally:
            engine.stop()

    def database(self) -> Database:
        """A new one with all migrations."""
        name = f"bench_{next(self._numbers)}"
        self._made.append(name)
        database = self.postgres.make_database(name)
        migrate(database.owner_url)
        return database

    def clear(self) -> None:
        """Drops the databases: autovacuum must not work on them beside the next benchmark. Drops
        the topics, too: the relay of the next log would refuse those of this one.
        """
        if "kafka" in vars(self):
            KafkaTopics(self.kafka.config()).delete_all()
        if not self._made:
            return
        for name in self._made:
            self.postgres.drop_database(name)
        with psycopg.connect(self.postgres.admin_url(), autocommit=True) as connection:
            connection.execute("CHECKPOINT")
        self._made.clear()

    @contextmanager
    def pool(self, url: str, connections: int = 8) -> Iterator[ConnectionPool]:
        """As the product opens it: autocommit, our session options."""
        with ConnectionPool(
            url,
            min_size=1,
            max_size=connections,
            kwargs={"autocommit": True, "options": SESSION},
            open=True,
        ) as pool:
            yield pool


@contextmanager
def open_rig(
    *, seed: int = 20, quick: bool = False, say: Callable[[str], None] = lambda _: None
) -> Iterator[Rig]:
    with ExitStack() as stack:
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="noculture-bench-", ignore_cleanup_errors=True)
        )
        yield Rig(Path(folder), seed, quick, say, stack)


def hardware(rig: Rig) -> dict[str, Any]:
    """Describes the machine and the durability that the figures were measured at."""
    with psycopg.connect(rig.postgres.owner_url) as connection:
        durability = {
            name: connection.execute(f"SHOW {name}").fetchone()[0]  # type: ignore[index]
            for name in ("fsync", "synchronous_commit", "full_page_writes", "server_version")
        }
    return {
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "python": platform.python_version(),
        "load_1min_at_start": round(os.getloadavg()[0], 2),
        "seed": rig.seed,
        "postgres": durability,
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "")
