"""Examples of the operator's events."""

from __future__ import annotations

from events.ids import IngestId, OperationId
from events.model import Event
from events.system.operation import SagaOperated
from schemas.examples import ACCOUNT, fixed

EXAMPLES: tuple[Event, ...] = (
    SagaOperated(
        operation_id=fixed(OperationId),
        action="retry",
        saga="ingest",
        saga_id=fixed(IngestId),
        state="Analysing",
        operator_id=ACCOUNT,
        reason="The analysis machine was without memory; it has more now.",
    ),
)
