"""Installations side by side, or one after the other over the same data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.product import running
from benchmarks.rig import Database, Rig
from events.log.progress import ConsumerProgress, LogProgress
from runtime.engines.kafka import EmbeddedKafka


@dataclass(frozen=True)
class Site:
    """One installation's data: a log has a broker of its own, for no two may share topics."""

    rig: Rig
    folder: Path
    database: Database
    kafka: EmbeddedKafka

    def running(
        self, crowd: str | None = None, ready: str = "/readyz"
    ) -> AbstractContextManager[int]:
        """Gives the API's port; `crowd` is the kind of specimens that its worker has."""
        return running(
            *(self.rig, self.folder, "api", "relay", "worker"),
            database=self.database,
            kafka=self.kafka,
            crowd=crowd,
            ready=ready,
        )

    def progress(self) -> list[ConsumerProgress]:
        """Every consumer that the worker has made known so far."""
        with self.rig.pool(self.database.owner_url, 1) as pool:
            return LogProgress(pool).all()


@contextmanager
def site(rig: Rig, name: str) -> Iterator[Site]:
    folder = rig.folder / name
    with rig.broker(f"{name}-kafka") as kafka:
        yield Site(rig, folder, rig.database(), kafka)
