"""Every consumer of the log by name, and the engine that runs them in a worker."""

from __future__ import annotations

from events.log.port import EventLog
from processors.account.erasure import CertifyEffect, DestroyKeyEffect, EraseContentsEffect
from processors.account.mail import AddressCodeMail, PasswordResetMail
from processors.account.notices import SecurityNoticeMail
from processors.consumers.consumer import Consumer
from processors.consumers.engine import Engine
from processors.consumers.projection import ProjectionConsumer
from processors.effects.consumer import EffectConsumer
from processors.rebuild import Rebuilder
from processors.sagas.consumer import SagaConsumer
from processors.vault.audio import AnalysisEffect, ProbeEffect, rank
from projections.account.accounts import Accounts
from projections.account.erasures import Erasures
from projections.projection import Projection
from projections.system.sagas import Sagas
from projections.system.timeline import Timeline
from projections.vault.analyses import Analyses
from projections.vault.collections import Collections
from projections.vault.comments import Comments
from projections.vault.reanalyses import Reanalyses
from projections.vault.sounds import Sounds
from projections.vault.vault import Vault
from runtime.composition import Core, Wakes
from sagas.account.erasure import ERASURE
from sagas.saga import Saga
from sagas.vault.ingest import INGEST
from sagas.vault.reanalysing import REANALYSING
from sagas.vault.remeasuring import REMEASURING

VIEWS: tuple[type[Projection], ...] = (
    Analyses,
    Reanalyses,
    Sounds,
    Collections,
    Comments,
    Accounts,
    Erasures,
    Sagas,
    Timeline,
    Vault,
)
SAGAS: dict[str, Saga] = {saga.name: saga for saga in (INGEST, REMEASURING, REANALYSING, ERASURE)}


def consumers(core: Core, wakes: Wakes) -> list[Consumer]:
    views = [ProjectionConsumer(view()) for view in VIEWS]
    sagas = [SagaConsumer(saga, core.log, core.codec, wakes.commands) for saga in SAGAS.values()]
    effects = EffectConsumer("audio-effects", (ProbeEffect, AnalysisEffect), wakes.effects, rank)
    erasing = EffectConsumer(
        "erasure-effects", (EraseContentsEffect, DestroyKeyEffect, CertifyEffect), wakes.erasures
    )
    mails = EffectConsumer(
        "mail-effects", (PasswordResetMail, AddressCodeMail, SecurityNoticeMail), wakes.mails
    )
    return [*views, *sagas, effects, erasing, mails]


def rebuilder(core: Core) -> Rebuilder:
    settings = core.settings
    keep_s = settings.keep_replaced_hours * 3600
    return Rebuilder(core.pool, core.codec, settings.event_log, keep_s)


def engine(core: Core, event_log: EventLog, wakes: Wakes) -> Engine:
    return Engine(consumers(core, wakes), event_log, core.pool, core.codec, rebuilder(core))
