"""State of every saga, for the operators of the installation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from events.envelope import Recorded
from projections.projection import Holds, Projection, Rows


class Sagas(
    Projection,
    name="sagas",
    version=2,
    categories=(),
    holds=Holds.NOTHING_PERSONAL,
):
    """One row per saga instance, of all sagas that areas bring. Read by GET /api/sagas and the
    operator's pages.
    """

    def __init__(self, categories: Iterable[str]) -> None:
        self.categories = tuple(sorted(categories))

    def fold(self, rows: Rows, event: Recorded) -> None:
        envelope = event.envelope
        if envelope.type != f"{envelope.category}.stepped":
            return
        step: Any = event.data
        ended = step.state == "Ended"
        if envelope.stream_version == 1:
            rows.upsert(envelope.stream_id, started_at=envelope.recorded_at)
        rows.upsert(
            envelope.stream_id,
            saga=envelope.category,
            tenant=envelope.tenant,
            correlation_id=envelope.correlation_id,
            version=envelope.stream_version,
            state=step.state,
            outcome=step.memory.get("outcome") if ended else None,
            ended=ended,
            stepped_at=envelope.recorded_at,
            input_kind=step.input.kind,
            input_name=step.input.name,
            waits_for=[*(timer.token for timer in step.timers), *step.kept],
        )
