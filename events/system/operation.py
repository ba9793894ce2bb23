"""Operators' actions by hand on processes that could not go on by themselves."""

from __future__ import annotations

from typing import Literal

from events.ids import AccountId, OperationId
from events.model import Event

Action = Literal["retry", "skip", "abort"]


class SagaOperated(Event, type="operation.saga_operated", version=1):
    """An operator retried, skipped or aborted a saga that was in `state`, and said why.

    Without an operator it was done at the command line, by whoever holds the machine.
    """

    operation_id: OperationId
    action: Action
    saga: str
    saga_id: str
    state: str
    operator_id: AccountId | None
    reason: str
