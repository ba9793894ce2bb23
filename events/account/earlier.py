"""Earlier versions of the account's events, as they lie in logs, and how each becomes the next one.

Nothing writes them any more. What they say in plain stays plain: a hashed event is not rewritten.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from events.account.erasure import ErasureStep
from events.ids import AccountId, ErasureId, KeyId, WorkspaceId
from events.model import REGISTRY, Event


class KeyIssuedV1(Event, type="key.issued", version=1):
    """With the name in plain that its owner gave it."""

    key_id: KeyId
    account_id: AccountId
    name: str
    scopes: tuple[str, ...]
    hint: str


@REGISTRY.upcast("key.issued", 1)
def now_personal(data: dict[str, Any]) -> dict[str, Any]:
    """The same fields; what was plain is read as it is."""
    return data


class ErasureRequestedV1(Event, type="erasure.requested", version=1):
    """Only accounts were erased."""

    erasure_id: ErasureId
    account_id: AccountId
    workspace_id: WorkspaceId


class ErasureStepRequestedV1(Event, type="erasure.step_requested", version=1):
    """Only accounts were erased."""

    erasure_id: ErasureId
    account_id: AccountId
    workspace_id: WorkspaceId
    step: ErasureStep
    attempt: int = Field(ge=1)


class SubjectErasedV1(Event, type="subject.erased", version=1):
    """Only accounts had values."""

    subject_id: AccountId
    workspace_id: WorkspaceId
    erasure_id: ErasureId


@REGISTRY.upcast("erasure.requested", 1)
@REGISTRY.upcast("erasure.step_requested", 1)
def now_a_subject(data: dict[str, Any]) -> dict[str, Any]:
    """Accounts are not the only ones."""
    return {**data, "subject_id": data["account_id"]}


@REGISTRY.upcast("subject.erased", 1)
def now_anybody(data: dict[str, Any]) -> dict[str, Any]:
    """The same fields; an account is one of the subjects."""
    return data
