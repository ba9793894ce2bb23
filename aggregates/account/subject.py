"""Rules of one subject of personal data: erased once, for ever."""

from __future__ import annotations

from dataclasses import dataclass

from aggregates.decision import Decision
from events.account.subject import SubjectErased
from events.ids import ErasureId, PersonId, SubjectId, WorkspaceId
from events.model import Event

STORED_AS = "aggregates.subject"


@dataclass(frozen=True, slots=True)
class Subject:
    erasure_id: ErasureId


def erase(
    subject: Subject | None,
    stream_id: SubjectId,
    *,
    subject_id: PersonId,
    workspace_id: WorkspaceId,
    erasure_id: ErasureId,
) -> Decision:
    """Say that the subject's key is destroyed; saying it again changes nothing."""
    if subject is not None:
        return Decision()
    return Decision(
        SubjectErased(subject_id=subject_id, workspace_id=workspace_id, erasure_id=erasure_id)
    )


def evolve(subject: Subject | None, event: Event) -> Subject | None:
    match event:
        case SubjectErased():
            return Subject(event.erasure_id)
        case _:
            return subject
