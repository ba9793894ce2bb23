"""How far each erasure is."""

from __future__ import annotations

from events.account.erasure import (
    ErasureCertified,
    ErasureContentsDeleted,
    ErasureKeyDestroyed,
    ErasureRequested,
)
from events.envelope import Recorded
from events.ids import PartyId
from projections.projection import Holds, Projection, Rows


class Erasures(
    Projection, name="erasures", version=2, categories=("erasure",), holds=Holds.NOTHING_PERSONAL
):
    """One row per erasure. Read by GET /api/erasures/{id} and its page."""

    def fold(self, rows: Rows, event: Recorded) -> None:
        data = event.data
        match data:
            case ErasureRequested():
                rows.upsert(
                    data.erasure_id,
                    requested_at=event.recorded_at,
                    subject="person" if isinstance(data.subject_id, PartyId) else "account",
                )
            case ErasureContentsDeleted():
                rows.upsert(data.erasure_id, contents_deleted=True)
            case ErasureKeyDestroyed():
                rows.upsert(data.erasure_id, erased_position=event.position)
            case ErasureCertified():
                rows.upsert(
                    data.erasure_id,
                    erased_at=event.recorded_at,
                    certificate=data.certificate.model_dump(mode="json"),
                )
