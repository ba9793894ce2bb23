"""Examples of the account's events."""

from __future__ import annotations

from events.account.account import (
    AccountErased,
    AccountErasureRequested,
    AccountRegistered,
    AddressCodeRequested,
    AddressVerified,
    OperatorGranted,
    PasskeyAdded,
    PasskeyRemoved,
    PasswordChanged,
    PasswordResetRequested,
    RecoveryCodesReplaced,
    RecoveryCodeUsed,
    SecondFactorDisabled,
    SecondFactorEnabled,
    SessionsEnded,
)
from events.account.erasing import ErasingStepped
from events.account.erasure import (
    Acknowledgement,
    Certificate,
    ErasureCertified,
    ErasureContentsDeleted,
    ErasureKeyDestroyed,
    ErasureMoneyAwaited,
    ErasureRequested,
    ErasureStepRequested,
)
from events.account.key import KeyIssued, KeyRevoked
from events.account.party import (
    PartyErased,
    PartyErasureLinkRequested,
    PartyErasureRequested,
    PartyKnown,
)
from events.account.sign_in import SignedIn, SignInRefused
from events.account.subject import SubjectErased
from events.account.workspace import WorkspaceCreated
from events.ids import CommandId, ErasureId, EventId, KeyId, PartyId, PasskeyId
from events.model import Event
from events.saga_step import SagaInput, SentCommand, SetTimer
from schemas.examples import ACCOUNT, WORKSPACE, fixed, numbered

ERASURE = fixed(ErasureId)
KEY = fixed(KeyId)
PARTY = fixed(PartyId)
PASSKEY = fixed(PasskeyId)
CERTIFICATE = Certificate(
    erasure_id=ERASURE,
    log_id=numbered("log"),
    subject_sha256="5b" * 32,
    requested_at="2026-01-01T00:00:00.000000Z",
    key_destroyed_at="2026-01-01T00:00:01.500000Z",
    issued_at="2026-01-01T00:00:02.250000Z",
    event_id=fixed(EventId),
    event_position=4711,
    event_hash="ab" * 32,
    consumers=(Acknowledgement(name="accounts", position=4713),),
    assets_deleted=12,
    blobs_deleted=36,
    public_key="cd" * 32,
    signature="ef" * 64,
)

EXAMPLES: tuple[Event, ...] = (
    AccountRegistered(
        account_id=ACCOUNT, workspace_id=WORKSPACE, email="ada@example.org", name="Ada Okoye"
    ),
    OperatorGranted(account_id=ACCOUNT),
    PasswordChanged(account_id=ACCOUNT),
    PasswordResetRequested(account_id=ACCOUNT),
    SecondFactorEnabled(account_id=ACCOUNT),
    SessionsEnded(account_id=ACCOUNT, operator_id=ACCOUNT),
    SignedIn(account_id=ACCOUNT, by="second-factor"),
    SignInRefused(account_id=ACCOUNT, reasons=("wrong-password",), count=3),
    SecondFactorDisabled(account_id=ACCOUNT),
    RecoveryCodesReplaced(account_id=ACCOUNT),
    RecoveryCodeUsed(account_id=ACCOUNT),
    AddressCodeRequested(account_id=ACCOUNT),
    AddressVerified(account_id=ACCOUNT),
    PasskeyAdded(account_id=ACCOUNT, passkey_id=PASSKEY),
    PasskeyRemoved(account_id=ACCOUNT, passkey_id=PASSKEY),
    AccountErasureRequested(account_id=ACCOUNT, workspace_id=WORKSPACE, erasure_id=ERASURE),
    AccountErased(account_id=ACCOUNT, erasure_id=ERASURE),
    PartyKnown(party_id=PARTY, email="bo@example.org"),
    PartyErasureLinkRequested(party_id=PARTY),
    PartyErasureRequested(party_id=PARTY, erasure_id=ERASURE),
    PartyErased(party_id=PARTY, erasure_id=ERASURE),
    SubjectErased(subject_id=ACCOUNT, workspace_id=WORKSPACE, erasure_id=ERASURE),
    ErasureRequested(erasure_id=ERASURE, subject_id=ACCOUNT, workspace_id=WORKSPACE),
    ErasureStepRequested(
        erasure_id=ERASURE,
        subject_id=ACCOUNT,
        workspace_id=WORKSPACE,
        step="contents",
        attempt=1,
    ),
    ErasureMoneyAwaited(erasure_id=ERASURE),
    ErasureContentsDeleted(erasure_id=ERASURE, assets=12, blobs=36),
    ErasureKeyDestroyed(erasure_id=ERASURE),
    ErasureCertified(erasure_id=ERASURE, certificate=CERTIFICATE),
    ErasingStepped(
        input=SagaInput(kind="event", name="erasure.requested", reference=fixed(EventId)),
        state="Erasing",
        memory={"erasure_id": ERASURE, "step": "contents", "attempt": 1},
        sent=(
            SentCommand(
                command_id=fixed(CommandId),
                name="RequestErasureStep",
                body={"erasure_id": ERASURE, "step": "contents", "attempt": 1},
            ),
        ),
        timers=(SetTimer(token="again", delay_s=600.0),),  # noqa: S106 - a timer
    ),
    WorkspaceCreated(workspace_id=WORKSPACE, owner_id=ACCOUNT, name="Ada Okoye"),
    KeyIssued(
        key_id=KEY,
        account_id=ACCOUNT,
        name="studio script",
        scopes=("assets:read", "assets:write"),
        hint="k3Qz",
    ),
    KeyRevoked(key_id=KEY),
)
