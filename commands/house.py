"""The house workspace: one an installation, for what belongs to nobody's own.

Its id follows from the log's, so that it is there from the first start, the same in every process
and after every restore, and no row can be lost.
"""

from __future__ import annotations

from events.ids import WorkspaceId
from events.store.log import PostgresLog


def house_of(log: PostgresLog) -> WorkspaceId:
    log_id, _ = log.events.log_identity()
    return WorkspaceId.derived("house", log_id)
