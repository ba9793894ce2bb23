"""Subjects of personal data: whose key encrypts what events hold of a person."""

from __future__ import annotations

from events.ids import ErasureId, PersonId, WorkspaceId
from events.model import Event


class SubjectErased(Event, type="subject.erased", version=2):
    """The subject's key is destroyed: its values in all events, everywhere, read as null now."""

    subject_id: PersonId
    workspace_id: WorkspaceId
    erasure_id: ErasureId
