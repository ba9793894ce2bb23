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
from events.ids import SubjectId
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


class EraseContentsEffect(_ErasureEffect):
    """Recordings, what was said of them, blobs, half received uploads, kept mails: gone."""

    name = "erase-contents"
    step = "contents"

    def __init__(
        self,
        contents: Contents,
        log: PostgresLog,
        forget_mails: Callable[[str], None],
        acknowledgements: Acknowledgements,
    ) -> None:
        self._contents, self._log, self._forget_mails = contents, log, forget_mails
        self._acknowledgements = acknowledgements

    def perform(self, event: Recorded) -> Command:
        """Deletes nothing while money of the person is on its way.

        Raises NotAcknowledged while somebody writes a mail: without the key nobody could tell later
        whose it is.
        """
        intent = intent_of(event)
        requested_at = self._log.events.stream(intent.erasure_id, limit=1)[0].position
        if self._acknowledgements.money(intent.account_id, requested_at):
            return RecordMoneyAwaited(erasure_id=intent.erasure_id)
        if writing := self._acknowledgements.mails(intent.workspace_id):
            raise NotAcknowledged(writing)
        delete_streams(self._contents, event)
        blobs = self._contents.delete_files(intent.workspace_id)
        self._contents.delete_rows(intent.workspace_id, intent.account_id)
        self._forget_mails(intent.account_id)
        deleted = self._log.events.after(
            requested_at,
            1_000_000,
            types=["asset.deleted"],
            tenant=intent.workspace_id,
            categories=["asset"],
        )
        return RecordContentsDeleted(erasure_id=intent.erasure_id, assets=len(deleted), blobs=blobs)


class DestroyKeyEffect(_ErasureEffect):
    """First the register, then the key: a backup restored in between is erased again at start."""

    name = "destroy-key"
    step = "key"

    def __init__(self, register: Register) -> None:
        self._register = register

    def perform(self, event: Recorded) -> Command:
        intent = intent_of(event)
        names = {"workspace_id": intent.workspace_id, "erasure_id": intent.erasure_id}
        self._register.add(subject_id=intent.account_id, **names)
        return EraseSubject.model_validate({"account_id": intent.account_id, **names})


class CertifyEffect(_ErasureEffect):
    """Once everybody has let go, say so and sign it."""

    name = "certify-erasure"
    step = "certificate"

    def __init__(
        self,
        contents: Contents,
        log: PostgresLog,
        codec: EventCodec,
        signing: Signing,
        acknowledgements: Acknowledgements,
        let_go: Callable[[str], None],
    ) -> None:
        self._contents, self._log, self._codec = contents, log, codec
        self._signing, self._acknowledgements = signing, acknowledgements
        self._let_go = let_go

    def perform(self, event: Recorded) -> Command:
        """Raises NotAcknowledged while somebody still holds something."""
        intent = intent_of(event)
        # An upload that had begun before may have ended after its workspace was emptied.
        delete_streams(self._contents, event)
        position = self._log.events.head()
        self._let_go(intent.workspace_id)
        deadline = time.monotonic() + PATIENCE_S
        while missing := self._acknowledgements.missing(intent.workspace_id, position):
            if time.monotonic() > deadline:
                raise NotAcknowledged(missing)
            time.sleep(0.05)
            self._let_go(intent.workspace_id)
        self._contents.delete_files(intent.workspace_id)
        self._contents.delete_rows(intent.workspace_id, intent.account_id)
        certificate = self._certificate(intent, position)
        return CertifyErasure(erasure_id=intent.erasure_id, certificate=certificate)

    def _certificate(self, intent: ErasureStepRequested, position: int) -> Certificate:
        history = self._log.events.stream(intent.erasure_id)
        erased = self._log.events.stream(SubjectId.beside(intent.account_id))[0]
        deleted = next(filter(None, map(self._deletion, history)))
        log_id, _ = self._log.events.log_identity()
        signer, _ = self._signing.now()
        unsigned = Certificate(
            erasure_id=intent.erasure_id,
            log_id=log_id,
            subject_sha256=hashlib.sha256(intent.account_id.encode()).hexdigest(),
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


def delete_streams(contents: Contents, event: Recorded) -> None:
    intent = intent_of(event)
    leaving = Leaving(intent.account_id, intent.workspace_id, event.correlation_id, event.event_id)
    contents.delete_streams(leaving)
