"""Queries of sagas, for the operator: all of them, the stuck ones, and one with its history."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from psycopg_pool import ConnectionPool
from pydantic import BaseModel, ConfigDict, Field

from events.envelope import Envelope
from events.times import parse_rfc3339
from kit.paging import DEFAULT_LIMIT, MAX_LIMIT, Cursors, shown
from read_api.errors import NotVisible
from read_api.views import Row, Views
from schemas.dto import Page
from schemas.system.sagas import (
    SagaDetailDto,
    SagaDto,
    SagaEffectDto,
    SagaStepDto,
    SagaTimerDto,
    SentCommandDto,
)
from schemas.text import Cursor

# A command that failed so often has been tried for six seconds; a timer is fired within two.
STUCK_ATTEMPTS, OVERDUE_S = 5, 60.0
MAX_STEPS = 200
_SAGA_ID = re.compile(r"[a-z]{3}_[0-9a-f]{32}")
_STANDING = (Path(__file__).parent / "sagas.sql").read_text()
_SHOWN = {"all": "true", "running": "NOT ended", "ended": "ended", "stuck": "stuck IS NOT NULL"}
# Only these can be stuck: the others are not looked at one by one.
_MAYBE_STUCK = "WHERE NOT s.ended OR s.saga_id IN (SELECT stream_id FROM saga_commands)"


class SagaFilters(BaseModel):
    model_config = ConfigDict(extra="forbid")

    show: Literal["all", "running", "ended", "stuck"] = "all"
    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT)
    cursor: Cursor | None = None


class StreamHistory(Protocol):
    """`PostgresEvents.stream`"""

    def __call__(
        self, stream_id: str, *, newest_first: bool = False, limit: int | None = None
    ) -> list[Envelope]: ...


class SagaQueries:
    """`history` reads a stream of the log: a saga's steps are its page's lines. `now` is the time
    by which timers are due.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        cursors: Cursors,
        history: StreamHistory,
        now: Callable[[], datetime],
    ) -> None:
        self._views, self._cursors, self._history = Views(pool), cursors, history
        self._now = now

    def list(self, filters: SagaFilters) -> Page[SagaDto]:
        """A page, last moved first. Raises InvalidCursor (422)."""
        asked = ["sagas", filters.show]
        after = self._cursors.open(filters.cursor, asked)
        where = _SHOWN[filters.show]
        if after is not None:
            where += " AND (stepped_at, saga_id) < (%(at)s::timestamptz, %(id)s)"
        candidates = _MAYBE_STUCK if filters.show == "stuck" else ""
        rows = self._views.rows(
            f"SELECT * FROM ({_STANDING} {candidates}) AS standing WHERE {where}"
            " ORDER BY stepped_at DESC, saga_id DESC LIMIT %(limit)s",
            {
                **self._limits(),
                "at": after[0] if after else None,
                "id": after[1] if after else None,
                "limit": filters.limit + 1,
            },
        )
        page = self._cursors.page(
            rows,
            filters.limit,
            lambda row: (row["stepped_at"].isoformat(), row["saga_id"]),
            asked,
        )
        return shown(page, _saga)

    def stuck(self) -> dict[str, int]:
        """How many need somebody, by reason. Raises ViewNotReady (503)."""
        rows = self._views.rows(
            f"SELECT stuck, count(*) AS sagas FROM ({_STANDING} {_MAYBE_STUCK}) AS standing"
            " WHERE stuck IS NOT NULL GROUP BY stuck",
            self._limits(),
        )
        return {row["stuck"]: row["sagas"] for row in rows}

    def get(self, saga_id: str) -> SagaDetailDto:
        """As the log has it now, which may be more than the list shows. Raises NotVisible (404)."""
        steps = self._steps(saga_id)
        newest = steps[-1].to_json()
        limits = self._limits()
        row = self._views.row(f"{_STANDING} WHERE s.saga_id = %(id)s", {**limits, "id": saga_id})
        ended = newest["data"]["state"] == "Ended"
        return SagaDetailDto(
            id=saga_id,
            saga=newest["category"],
            version=newest["stream_version"],
            state=newest["data"]["state"],
            ended=ended,
            outcome=newest["data"]["memory"].get("outcome") if ended else None,
            workspace_id=newest["tenant"],
            correlation_id=newest["correlation_id"],
            started_at=row["started_at"] if row else None,
            stepped_at=steps[-1].recorded_at,
            input_kind=newest["data"]["input"]["kind"],
            input_name=newest["data"]["input"]["name"],
            waits_for=[
                *(timer["token"] for timer in newest["data"]["timers"]),
                *newest["data"].get("kept", ()),
            ],
            next_due_at=row["next_due_at"] if row else None,
            error=row["error"] if row else None,
            # A row of an older version may tell of trouble that is over.
            stuck=row["stuck"] if row and row["version"] == newest["stream_version"] else None,
            steps=self._told(steps, saga_id),
            timers=[
                SagaTimerDto(**row)
                for row in self._views.rows(_TIMERS, {"id": saga_id, "now": limits["now"]})
            ],
            effects=[
                SagaEffectDto(**row)
                for row in self._views.rows(_EFFECTS, {"correlation": newest["correlation_id"]})
            ],
        )

    def _limits(self) -> dict[str, Any]:
        return {"attempts": STUCK_ATTEMPTS, "overdue_s": OVERDUE_S, "now": self._now()}

    def _steps(self, saga_id: str) -> Sequence[Envelope]:
        """Oldest first, never empty."""
        if not _SAGA_ID.fullmatch(saga_id):
            raise NotVisible("This saga")
        newest = self._history(saga_id, newest_first=True, limit=MAX_STEPS)
        if not newest or newest[0].type != f"{newest[0].category}.stepped":
            raise NotVisible("This saga")
        return newest[::-1]

    def _told(self, steps: Sequence[Envelope], saga_id: str) -> Sequence[SagaStepDto]:
        data = [json.loads(step.data) for step in steps]
        sent = [command["command_id"] for step in data for command in step["sent"]]
        refused = {s["input"]["reference"] for s in data if s["input"]["kind"] == "refusal"}
        aborted = data[-1]["input"]["kind"] == "operator" and data[-1]["input"]["name"] == "abort"
        waiting = {row["id"]: row for row in self._views.rows(_WAITING, {"id": saga_id})}
        done = {
            row["command_id"]: row["position"]
            for row in self._views.rows(_DONE, {"commands": sent})
        }

        def verdict(command: dict[str, Any], last: bool) -> SentCommandDto:
            id, name = command["command_id"], command["name"]
            if id in waiting:
                return SentCommandDto(name=name, verdict="waiting", **waiting[id])
            if id in done:
                return SentCommandDto(id=id, name=name, verdict="done", position=done[id])
            if id in refused:
                return SentCommandDto(id=id, name=name, verdict="refused")
            # An abort deletes the rows of unsent commands, and an answer that changed nothing
            # deletes its row too: afterwards they look the same.
            unknown = aborted and not last
            return SentCommandDto(
                id=id, name=name, verdict="withdrawn-or-answered" if unknown else "answered"
            )

        told = []
        for envelope, step in zip(steps, data, strict=True):
            taken = step["input"]
            told.append(
                SagaStepDto(
                    version=envelope.stream_version,
                    position=envelope.position,
                    at=envelope.recorded_at,
                    input_kind=taken["kind"],
                    input_name=taken["name"],
                    input_reference=taken["reference"],
                    actor=envelope.actor,
                    reason=self._reason(taken),
                    state=step["state"],
                    outcome=step["memory"].get("outcome") if step["state"] == "Ended" else None,
                    sent=[verdict(c, envelope is steps[-1]) for c in step["sent"]],
                    timers={t["token"]: _delay_s(t, envelope) for t in step["timers"]},
                )
            )
        return told

    def _reason(self, taken: dict[str, str]) -> str | None:
        """Reads the operator's reason from the operation's own stream."""
        if taken["kind"] != "operator":
            return None
        operation = self._history(taken["reference"], limit=1)
        return json.loads(operation[0].data)["reason"] if operation else None


# Within the years that Python has, whatever stands in the row.
_DUE_AT = "least(greatest(due_at, '2000-01-01'), '9999-01-01') AS due_at"
_WAITING = (
    f"SELECT command_id AS id, attempts, error, {_DUE_AT} FROM saga_commands"
    " WHERE stream_id = %(id)s"
)
_DONE = "SELECT command_id, position FROM commands WHERE command_id = ANY(%(commands)s)"
_TIMERS = (
    f"SELECT token, {_DUE_AT}, due_at < %(now)s AS overdue FROM saga_timers"
    " WHERE stream_id = %(id)s ORDER BY due_at, token"
)
_EFFECTS = (
    f"SELECT effect, event_id, {_DUE_AT}, failures, error FROM effects"
    " WHERE correlation_id = %(correlation)s ORDER BY due_at, event_id"
)


def _delay_s(timer: dict[str, Any], step: Envelope) -> float:
    """From the step on."""
    if (at := timer.get("at")) is None:
        return float(timer["delay_s"])
    return (parse_rfc3339(at) - step.effective_at).total_seconds()


def _saga(row: Row) -> SagaDto:
    given: dict[str, Any] = {
        name: row[name] for name in SagaDto.model_fields if name in row and name != "id"
    }
    return SagaDto(id=row["saga_id"], workspace_id=row["tenant"], **given)
