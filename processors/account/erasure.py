"""The three parts of an erasure that touch more than the log: contents, key, certificate."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Protocol

from commands.account.erasure_commands import (
    CertifyErasure,
    EraseSubject,
    RecordContentsDeleted,
    RecordMoneyAwaited,
)
from commands.command import Command
from commands.leaving import Contents, Leaving
from events.account.erasure import Certificate, ErasureContentsDeleted, ErasureStepRequested
from events.envelope import Envelope, Recorded
from events.errors import NoCultureError
from events.ids import AccountId, PersonId, SubjectId
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from events.store.log_keys import Signing
from events.times import rfc3339, utc_now
from processors.account.acknowledgements import Acknowledgements
from processors.effects.effect import Effect

# Pauses of 2, 4, 6 … s make a quarter of an hour, longer than the saga waits to ask again.
MAX_ATTEMPTS = 30
# Healthy consumers need no longer; after it the thread is free for other work.
PATIENCE_S = 5.0


class Register(Protocol):
    """The register of erased people, outside the database (`runtime/erasure_register.py`)."""

    def add(self, *, subject_id: str, workspace_id: str, erasure_id: str) -> None:
        """Writes to the disk before it returns; the same subject again changes nothing."""
        ...


class NotAcknowledged(NoCultureError):
    status, code = 503, "not-acknowledged"

    def __init__(self, missing: list[str]) -> None:
        super().__init__(
            f"Still waiting for {', '.join(missing)}. If that lasts, look at"
            " `./noculture consumers`: what is stopped or parked there needs a corrected program"
        )


class _ErasureEffect(Effect):
    step: str
    categories = ("erasure",)
    intents = (ErasureStepRequested,)
    max_attempts = MAX_ATTEMPTS

    @classmethod
    def wants(cls, event: Recorded) -> bool:
        return isinstance(event.data, ErasureStepRequested) and event.data.step == cls.step

    def give_up(self, event: Recorded, error: Exception) -> Command | None:
        """Nothing to say: the saga asks again, for as long as it takes."""
        return None


class Remains(Protocol):
    """All that is left here of one kind of subject. Each method may run again after a crash."""

    def delete(self, event: Recorded) -> tuple[int, int] | None:
        """Delete it while the key is there; answers how many assets and blobs there were. None
        where nothing is deleted, for money of the subject is on its way.

        Raises NotAcknowledged while somebody writes a mail: without the key nobody could tell
        later whose it is.
        """
        ...

    def delete_late(self, event: Recorded) -> None:
        """Delete what came while it was deleted, before consumers are asked."""
        ...

    def missing(self, intent: ErasureStepRequested, position: int) -> list[str]:
        """Names those who hold something of the subject that was there before this position."""
        ...

    def delete_last(self, intent: ErasureStepRequested) -> None:
        """Delete what those have left who held something."""
        ...


class RemainsOfAccount:
    """Recordings, what was said of them, blobs, half received uploads, kept mails."""

    def __init__(
        self,
        contents: Contents,
        log: PostgresLog,
        forget_mails: Callable[[str], None],
        acknowledgements: Acknowledgements,
        let_go: Callable[[str], None],
    ) -> None:
        self._contents, self._log, self._forget_mails = contents, log, forget_mails
        self._acknowledgements, self._let_go = acknowledgements, let_go

    def delete(self, event: Recorded) -> tuple[int, int] | None:
        intent = intent_of(event)
        requested_at = requested_position(self._log, intent)
        if self._acknowledgements.money(intent.subject_id, requested_at):
            return None
        if writing := self._acknowledgements.mails(intent.workspace_id):
            raise NotAcknowledged(writing)
        self.delete_late(event)
        blobs = self._contents.delete_files(intent.workspace_id)
        self._contents.delete_rows(intent.workspace_id, intent.subject_id)
        self._forget_mails(intent.subject_id)
        deleted = self._log.events.after(
            requested_at,
            1_000_000,
            types=["asset.deleted"],
            tenant=intent.workspace_id,
            categories=["asset"],
        )
        return len(deleted), blobs

    def delete_late(self, event: Recorded) -> None:
        """An upload that had begun before may have ended after its workspace was emptied."""
        intent = intent_of(event)
        account, workspace = AccountId(intent.subject_id), intent.workspace_id
        leaving = Leaving(account, workspace, event.correlation_id, event.event_id)
        self._contents.delete_streams(leaving)

    def missing(self, intent: ErasureStepRequested, position: int) -> list[str]:
        self._let_go(intent.workspace_id)
        return self._acknowledgements.missing(intent.workspace_id, position)

    def delete_last(self, intent: ErasureStepRequested) -> None:
        self._contents.delete_files(intent.workspace_id)
        self._contents.delete_rows(intent.workspace_id, intent.subject_id)


class RemainsOfParty:
    """Kept mails and a few rows: all else that is said of a party is others' and sealed. Nothing
    of the house is deleted, and nothing of those who named the party.
    """

    def __init__(
        self,
        delete_rows: Callable[[str], None],
        log: PostgresLog,
        forget_mails: Callable[[str], None],
        acknowledgements: Acknowledgements,
    ) -> None:
        self._delete_rows, self._log, self._forget_mails = delete_rows, log, forget_mails
        self._acknowledgements = acknowledgements

    def delete(self, event: Recorded) -> tuple[int, int] | None:
        intent = intent_of(event)
        party_id = intent.subject_id
        if self._acknowledgements.money(party_id, requested_position(self._log, intent)):
            return None
        if writing := self._acknowledgements.mails_of_person(party_id):
            raise NotAcknowledged(writing)
        self._delete_rows(party_id)
        self._forget_mails(party_id)
        return 0, 0

    def delete_late(self, event: Recorded) -> None:
        """Nothing comes of somebody who does nothing here."""

    def missing(self, intent: ErasureStepRequested, position: int) -> list[str]:
        return self._acknowledgements.missing_of_person(intent.subject_id, position)

    def delete_last(self, intent: ErasureStepRequested) -> None:
        self._delete_rows(intent.subject_id)


RemainsOf = Callable[[PersonId], Remains]


class EraseContentsEffect(_ErasureEffect):
    """All that is stored of the subject beside the log: gone."""

    name = "erase-contents"
    step = "contents"

    def __init__(self, remains_of: RemainsOf) -> None:
        self._remains_of = remains_of

    def perform(self, event: Recorded) -> Command:
        """Raises NotAcknowledged."""
        intent = intent_of(event)
        deleted = self._remains_of(intent.subject_id).delete(event)
        if deleted is None:
            return RecordMoneyAwaited(erasure_id=intent.erasure_id)
        assets, blobs = deleted
        return RecordContentsDeleted(erasure_id=intent.erasure_id, assets=assets, blobs=blobs)


class DestroyKeyEffect(_ErasureEffect):
    """First the register, then the key: a backup restored in between is erased again at start."""

    name = "destroy-key"
    step = "key"

    def __init__(self, register: Register) -> None:
        self._register = register

    def perform(self, event: Recorded) -> Command:
        intent = intent_of(event)
        names = {"workspace_id": intent.workspace_id, "erasure_id": intent.erasure_id}
        self._register.add(subject_id=intent.subject_id, **names)
        return EraseSubject.model_validate({"subject_id": intent.subject_id, **names})


class CertifyEffect(_ErasureEffect):
    """Once everybody has let go, say so and sign it."""

    name = "certify-erasure"
    step = "certificate"

    def __init__(
        self,
        remains_of: RemainsOf,
        log: PostgresLog,
        codec: EventCodec,
        signing: Signing,
        acknowledgements: Acknowledgements,
    ) -> None:
        self._remains_of, self._log, self._codec = remains_of, log, codec
        self._signing, self._acknowledgements = signing, acknowledgements

    def perform(self, event: Recorded) -> Command:
        """Raises NotAcknowledged while somebody still holds something."""
        intent = intent_of(event)
        remains = self._remains_of(intent.subject_id)
        remains.delete_late(event)
        position = self._log.events.head()
        deadline = time.monotonic() + PATIENCE_S
        while missing := remains.missing(intent, position):
            if time.monotonic() > deadline:
                raise NotAcknowledged(missing)
            time.sleep(0.05)
        remains.delete_last(intent)
        certificate = self._certificate(intent, position)
        return CertifyErasure(erasure_id=intent.erasure_id, certificate=certificate)

    def _certificate(self, intent: ErasureStepRequested, position: int) -> Certificate:
        history = self._log.events.stream(intent.erasure_id)
        erased = self._log.events.stream(SubjectId.beside(intent.subject_id))[0]
        deleted = next(filter(None, map(self._deletion, history)))
        log_id, _ = self._log.events.log_identity()
        signer, _ = self._signing.now()
        unsigned = Certificate(
            erasure_id=intent.erasure_id,
            log_id=log_id,
            subject_sha256=hashlib.sha256(intent.subject_id.encode()).hexdigest(),
            requested_at=rfc3339(history[0].recorded_at),
            key_destroyed_at=rfc3339(erased.recorded_at),
            issued_at=rfc3339(utc_now()),
            event_id=erased.event_id,
            event_position=erased.position,
            event_hash=erased.hash.hex(),
            consumers=self._acknowledgements.given(position),
            assets_deleted=deleted.assets,
            blobs_deleted=deleted.blobs,
            public_key=signer.public_key.hex(),
            signature="",
        )
        signature = signer.sign(unsigned.signed_bytes()).hex()
        return unsigned.model_copy(update={"signature": signature})

    def _deletion(self, envelope: Envelope) -> ErasureContentsDeleted | None:
        recorded = self._codec.decode(envelope)
        data = recorded.data if recorded else None
        return data if isinstance(data, ErasureContentsDeleted) else None


def intent_of(event: Recorded) -> ErasureStepRequested:
    assert isinstance(event.data, ErasureStepRequested)
    return event.data


def requested_position(log: PostgresLog, intent: ErasureStepRequested) -> int:
    """Where the erasure's first event is in the log."""
    return log.events.stream(intent.erasure_id, limit=1)[0].position
