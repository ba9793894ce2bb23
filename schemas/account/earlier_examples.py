"""Examples of earlier versions of the account's events."""

from __future__ import annotations

from events.account.earlier import (
    ErasureRequestedV1,
    ErasureStepRequestedV1,
    KeyIssuedV1,
    SubjectErasedV1,
)
from events.model import Event
from schemas.account.examples import ERASURE, KEY
from schemas.examples import ACCOUNT, WORKSPACE

EXAMPLES: tuple[Event, ...] = (
    KeyIssuedV1(
        key_id=KEY,
        account_id=ACCOUNT,
        name="studio script",
        scopes=("assets:read", "assets:write"),
        hint="k3Qz",
    ),
    ErasureRequestedV1(erasure_id=ERASURE, account_id=ACCOUNT, workspace_id=WORKSPACE),
    ErasureStepRequestedV1(
        erasure_id=ERASURE,
        account_id=ACCOUNT,
        workspace_id=WORKSPACE,
        step="contents",
        attempt=1,
    ),
    SubjectErasedV1(subject_id=ACCOUNT, workspace_id=WORKSPACE, erasure_id=ERASURE),
)
