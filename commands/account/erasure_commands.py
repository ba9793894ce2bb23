"""Commands of the erasure saga and its effects, handled in `erasing_handlers.py`."""

from __future__ import annotations

from commands.command import Command
from events.account.erasure import Certificate, ErasureStep
from events.ids import ErasureId, PersonId, WorkspaceId


class RequestErasureStep(Command, name="RequestErasureStep"):
    """Do this part of the erasure; `attempt` counts from 1."""

    erasure_id: ErasureId
    step: ErasureStep
    attempt: int


class RecordContentsDeleted(Command, name="RecordContentsDeleted"):
    """Nothing is left of whom it is about: no recording, no blob, no upload, no mail."""

    erasure_id: ErasureId
    assets: int
    blobs: int


class RecordMoneyAwaited(Command, name="RecordMoneyAwaited"):
    """Money of the person is on its way: the erasure begins when its answer is there."""

    erasure_id: ErasureId


class EraseSubject(Command, name="EraseSubject"):
    """Destroy the key and say so; the register outside the database already knows."""

    erasure_id: ErasureId
    subject_id: PersonId
    workspace_id: WorkspaceId


class CertifyErasure(Command, name="CertifyErasure"):
    """Every consumer has acknowledged."""

    erasure_id: ErasureId
    certificate: Certificate
