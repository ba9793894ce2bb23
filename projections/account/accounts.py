"""Accounts as their owners see them, personal data in plain."""

from __future__ import annotations

from events.account.account import AccountErased, AccountRegistered, OperatorGranted
from events.envelope import Recorded
from projections.projection import Holds, Projection, Rows


class Accounts(
    Projection, name="accounts", version=1, categories=("account",), holds=Holds.UNTIL_DELETED
):
    """One row per account. Read by GET /api/me and its export."""

    def fold(self, rows: Rows, event: Recorded) -> None:
        data = event.data
        match data:
            case AccountRegistered():
                rows.upsert(
                    data.account_id,
                    workspace_id=data.workspace_id,
                    email=data.email,
                    name=data.name,
                    operator=False,
                    registered_at=event.recorded_at,
                    subject_id=data.account_id,
                )
            case OperatorGranted():
                rows.upsert(data.account_id, operator=True)
            case AccountErased():
                rows.delete(data.account_id)
