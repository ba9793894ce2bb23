"""Rules of one erasure: once asked for it goes on to its end; nobody can take it back."""

from __future__ import annotations

from dataclasses import dataclass, replace

from aggregates.decision import Decision
from aggregates.errors import AlreadyExists, NotFound
from events.account.erasure import (
    Certificate,
    ErasureCertified,
    ErasureContentsDeleted,
    ErasureKeyDestroyed,
    ErasureMoneyAwaited,
    ErasureRequested,
    ErasureStep,
    ErasureStepRequested,
)
from events.claims import Claim
from events.errors import NoCultureError
from events.ids import ErasureId, PersonId, WorkspaceId
from events.model import Event
from events.money import no_more_money_of

STORED_AS = "aggregates.erasure"


class ContentsRemain(NoCultureError):
    """Destroying the key first would leave recordings that nobody could name any more."""

    status, code = 409, "contents-remain"

    def __init__(self) -> None:
        super().__init__("The recordings are not deleted yet: the key is destroyed after them")


class KeyRemains(NoCultureError):
    status, code = 409, "key-remains"

    def __init__(self) -> None:
        super().__init__("The key is not destroyed yet: there is nothing to certify")


@dataclass(frozen=True, slots=True)
class Erasure:
    subject_id: PersonId
    workspace_id: WorkspaceId
    contents_deleted: bool = False
    key_destroyed: bool = False
    certified: bool = False


def request(
    nothing: Erasure | None,
    erasure_id: ErasureId,
    *,
    subject_id: PersonId,
    workspace_id: WorkspaceId,
    claim: Claim,
) -> Decision:
    """Begin, and let nothing more of its money be moved. Another erasure of the same subject is a
    lost `claim` (409).
    """
    if nothing is not None:
        raise AlreadyExists("The erasure")
    return Decision(
        ErasureRequested(erasure_id=erasure_id, subject_id=subject_id, workspace_id=workspace_id),
        takes=(claim, no_more_money_of(subject_id)),
    )


def request_step(
    erasure: Erasure | None, erasure_id: ErasureId, *, step: ErasureStep, attempt: int
) -> Decision:
    """Ask for one part of the work; a part that is done is not asked for again."""
    erasure = _existing(erasure)
    done = {
        "contents": erasure.contents_deleted,
        "key": erasure.key_destroyed and erasure.contents_deleted,
        "certificate": erasure.certified,
    }
    if done[step]:
        return Decision()
    return Decision(
        ErasureStepRequested(
            erasure_id=erasure_id,
            subject_id=erasure.subject_id,
            workspace_id=erasure.workspace_id,
            step=step,
            attempt=attempt,
        )
    )


def delete_contents(
    erasure: Erasure | None, erasure_id: ErasureId, *, assets: int, blobs: int
) -> Decision:
    if _existing(erasure).contents_deleted:
        return Decision()
    return Decision(ErasureContentsDeleted(erasure_id=erasure_id, assets=assets, blobs=blobs))


def await_money(erasure: Erasure | None, erasure_id: ErasureId) -> Decision:
    """Nothing is deleted yet: the answer to what moves the person's money is still to come."""
    if _existing(erasure).contents_deleted:
        return Decision()
    return Decision(ErasureMoneyAwaited(erasure_id=erasure_id))


def destroy_key(erasure: Erasure | None, erasure_id: ErasureId) -> Decision:
    """Refuses ContentsRemain (409)."""
    erasure = _existing(erasure)
    if erasure.key_destroyed:
        return Decision()
    if not erasure.contents_deleted:
        raise ContentsRemain
    return Decision(ErasureKeyDestroyed(erasure_id=erasure_id))


def certify(
    erasure: Erasure | None, erasure_id: ErasureId, *, certificate: Certificate
) -> Decision:
    """The first certificate counts. Refuses KeyRemains (409)."""
    erasure = _existing(erasure)
    if erasure.certified:
        return Decision()
    if not erasure.key_destroyed:
        raise KeyRemains
    return Decision(ErasureCertified(erasure_id=erasure_id, certificate=certificate))


def evolve(erasure: Erasure | None, event: Event) -> Erasure | None:
    match event:
        case ErasureRequested():
            return Erasure(event.subject_id, event.workspace_id)
        case _ if erasure is None:
            return None
        case ErasureContentsDeleted():
            return replace(erasure, contents_deleted=True)
        case ErasureKeyDestroyed():
            return replace(erasure, key_destroyed=True)
        case ErasureCertified():
            return replace(erasure, certified=True)
        case _:
            return erasure


def _existing(erasure: Erasure | None) -> Erasure:
    if erasure is None:
        raise NotFound("The erasure")
    return erasure
