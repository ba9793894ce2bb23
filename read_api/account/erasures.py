"""How far an erasure is, for whoever holds its id: the person has no session any more."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from psycopg_pool import ConnectionPool

from read_api.errors import NotVisible, ViewNotReady
from read_api.views import Row, Views
from schemas.account.dto import ErasureConsumerDto, ErasureDto

_ID = re.compile(r"ers_[0-9a-f]{32}")
# The view follows within some 50 ms; whoever has just asked for it is worth a second.
_PATIENCE_S = 1.0


class ConsumerAt(Protocol):
    """`events.log.progress.ConsumerProgress`"""

    @property
    def name(self) -> str: ...

    @property
    def position(self) -> int: ...


class ErasureQueries:
    def __init__(self, pool: ConnectionPool, consumers: Callable[[], Sequence[ConsumerAt]]) -> None:
        self._views, self._consumers = Views(pool), consumers

    def get(self, erasure_id: str) -> ErasureDto:
        """Raises NotVisible (404)."""
        if not _ID.fullmatch(erasure_id):
            raise NotVisible("This erasure")
        row = self._row(erasure_id)
        return ErasureDto(
            id=erasure_id,
            state=row["state"],
            subject=row["subject"],
            requested_at=row["requested_at"],
            erased_at=row["erased_at"],
            consumers=self._acknowledged(row),
            certificate=row["certificate"],
        )

    def _acknowledged(self, row: Row) -> list[ErasureConsumerDto]:
        if row["certificate"] is not None:
            return [
                ErasureConsumerDto(name=consumer["name"], acknowledged=True)
                for consumer in row["certificate"]["consumers"]
            ]
        position = row["erased_position"]
        return [
            ErasureConsumerDto(
                name=consumer.name,
                acknowledged=position is not None and consumer.position >= position,
            )
            for consumer in self._consumers()
        ]

    def _row(self, erasure_id: str) -> Row:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                row = self._views.row(
                    "SELECT state, subject, requested_at, erased_at, erased_position, certificate"
                    " FROM views.erasures WHERE erasure_id = %(id)s"
                    " AND requested_at IS NOT NULL",
                    {"id": erasure_id},
                )
            except ViewNotReady:
                if time.monotonic() >= deadline:
                    raise
                row = None
            if row is not None:
                return row
            if time.monotonic() >= deadline:
                raise NotVisible("This erasure")
            time.sleep(0.02)
