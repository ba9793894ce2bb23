"""Erasures: a person asked to be forgotten, and what was done about it, step by step.

Nothing here says who it was: `subject_id`, an account or a party, is a name nobody can look up any
more. `workspace_id` is the account's own, which is emptied; of a party the house's, which stays.
"""

from __future__ import annotations

import json
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from events.ids import ErasureId, PersonId, WorkspaceId
from events.model import Event

ErasureStep = Literal["contents", "key", "certificate"]


class Acknowledgement(BaseModel):
    """A consumer has applied everything up to `position`, the erasure among it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    position: int


class Certificate(BaseModel):
    """A signed proof of erasure: Ed25519 over the canonical JSON of all fields but `signature`.

    `subject_sha256` is the SHA-256 of the subject's id: whoever knows the id can tell that it is
    theirs. `event_*` name the `subject.erased` in the log; `public_key` and `signature` are hex.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    form: Literal["noculture-erasure-1"] = "noculture-erasure-1"
    erasure_id: ErasureId
    log_id: str
    subject_sha256: str
    requested_at: str
    key_destroyed_at: str
    issued_at: str
    event_id: str
    event_position: int
    event_hash: str
    consumers: tuple[Acknowledgement, ...]
    assets_deleted: int
    blobs_deleted: int
    public_key: str
    signature: str

    def signed_bytes(self) -> bytes:
        """JSON without `signature`: names sorted, no spaces, UTF-8."""
        fields = self.model_dump(mode="json", exclude={"signature"})
        return json.dumps(
            fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False
        ).encode()


class ErasureRequested(Event, type="erasure.requested", version=2):
    """Somebody proved who they are and asked for it; an account is signed out everywhere."""

    erasure_id: ErasureId
    subject_id: PersonId
    workspace_id: WorkspaceId


class ErasureStepRequested(Event, type="erasure.step_requested", version=2):
    """Do this part of it (again, if `attempt` is above 1)."""

    erasure_id: ErasureId
    subject_id: PersonId
    workspace_id: WorkspaceId
    step: ErasureStep
    attempt: int = Field(ge=1)


class ErasureMoneyAwaited(Event, type="erasure.money_awaited", version=1):
    """Money of the person is on its way: nothing is deleted before it is known whether it came."""

    erasure_id: ErasureId


class ErasureContentsDeleted(Event, type="erasure.contents_deleted", version=1):
    """Every recording of an account's workspace is deleted, and all that was stored of them; of a
    party there are none.
    """

    erasure_id: ErasureId
    assets: int
    blobs: int


class ErasureKeyDestroyed(Event, type="erasure.key_destroyed", version=1):
    """The person's values in events cannot be read any more; `subject.erased` says so to all."""

    erasure_id: ErasureId


class ErasureCertified(Event, type="erasure.certified", version=1):
    """Every consumer has acknowledged: it is over, and this proves it."""

    erasure_id: ErasureId
    certificate: Certificate
