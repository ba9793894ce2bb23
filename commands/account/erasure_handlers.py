"""The handlers of erasure commands: transport above, rules below."""

from __future__ import annotations

from aggregates.account import account, erasure, party, subject
from commands.account.erasure_commands import (
    CertifyErasure,
    EraseSubject,
    RecordContentsDeleted,
    RecordMoneyAwaited,
    RequestErasureStep,
)
from commands.command import Command
from commands.forwarding import Handler, forward
from commands.unit import Unit
from events.ids import ErasureId, PartyId, PersonId, SubjectId, WorkspaceId
from events.store.subject_keys import DESTROY


def erase_subject(unit: Unit, command: EraseSubject) -> None:
    """The key's end, what every reader hears of it, and the saga's next input: one append."""
    say_erased(unit, command.erasure_id, command.subject_id, command.workspace_id)
    unit.change(erasure, command.erasure_id, erasure.destroy_key)


def say_erased(
    unit: Unit, erasure_id: ErasureId, subject_id: PersonId, workspace_id: WorkspaceId
) -> None:
    """Stage the destruction of the key with the events that say so."""
    unit.change(
        subject,
        SubjectId.beside(subject_id),
        subject.erase,
        subject_id=subject_id,
        workspace_id=workspace_id,
        erasure_id=erasure_id,
    )
    if isinstance(subject_id, PartyId):
        unit.change(party, subject_id, party.erase, erasure_id=erasure_id)
    else:
        unit.change(account, subject_id, account.erase, erasure_id=erasure_id)
    unit.alongside(DESTROY, (subject_id,))


HANDLERS: dict[str, tuple[type[Command], Handler]] = {
    model.stored_name: (model, handler)
    for model, handler in (
        forward(RequestErasureStep, erasure, erasure.request_step),
        forward(RecordMoneyAwaited, erasure, erasure.await_money),
        forward(RecordContentsDeleted, erasure, erasure.delete_contents),
        (EraseSubject, erase_subject),
        forward(CertifyErasure, erasure, erasure.certify),
    )
}
