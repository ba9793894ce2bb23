"""The API process put together: commands, queries and pages on one ASGI app."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI

import commands.accounts
import commands.analyses
import commands.assets
import commands.bulk
import commands.collections
import commands.comments
import commands.direct
import commands.erasures
import commands.keys
import commands.operations
import commands.passkeys_http
import commands.recovery
import commands.rewriting
import commands.second_factor_http
import commands.sessions
import commands.signing_in
import commands.uploads
import read_api.accounts_http
import read_api.analyses_http
import read_api.assets_http
import read_api.collections_http
import read_api.comments_http
import read_api.erasures_http
import read_api.events_http
import read_api.media_http
import read_api.sagas_http
import read_api.storage_http
import read_api.system_http
import web.app
import web.parts
from commands.accounts import Accounts
from commands.analyses import Analyses
from commands.assets import Assets
from commands.authentication import Credentials
from commands.bulk import Bulk
from commands.collections import Collections
from commands.comments import Comments
from commands.direct import DirectUploads
from commands.erasures import Erasures
from commands.keys import Keys
from commands.logins import Logins
from commands.operations import Operations
from commands.passkeys import Passkeys
from commands.passwords import Passwords
from commands.proofs import Proofs
from commands.quota import Quota
from commands.recovery import Recovery
from commands.rewriting import Rewriting
from commands.second_factor import SecondFactors
from commands.sessions import Sessions
from commands.signing_in import SigningIn
from commands.staging import Staging
from commands.uploads import Uploads
from events import tracing
from events.log.tail import LogTail
from gateways.audio.peaks import read_zoom
from gateways.audio.pool import AudioPool
from gateways.ports import TextEmbedder
from kit.auth import Authenticate
from kit.backoff import Backoff
from kit.install import install_kit
from kit.limits import RateLimits
from kit.paging import Cursors
from kit.tokens import Signer
from processors.sagas.operating import Operating
from read_api.accounts import AccountQueries
from read_api.analyses import AnalysisQueries
from read_api.assets import AssetQueries
from read_api.collections import CollectionQueries
from read_api.comments import CommentQueries
from read_api.enhanced import EnhancedAnalyses
from read_api.erasures import ErasureQueries
from read_api.live import LiveFeed
from read_api.media import AssetMedia
from read_api.metrics import CountRequests, Metrics
from read_api.reanalyses import ReanalysisQueries
from read_api.sagas import SagaQueries
from read_api.search.saved import canonical
from read_api.storage import StorageQueries
from read_api.system import SystemQueries, consumers_running
from read_api.timeline import TimelineQueries
from runtime.composition import Core
from runtime.consumers import SAGAS
from runtime.installation import chosen_data, version
from runtime.migrate import newest_migration
from runtime.observability.figures import InstallationFigures, StoreFigures
from runtime.observability.tracing import TraceRequests
from runtime.status import describe

DATABASE_PATIENCE_S = 2.0


@dataclass(frozen=True, slots=True)
class CommandSide:
    """What changes things, for the API's routes, the pages and the command line alike."""

    accounts: Accounts
    erasures: Erasures
    sessions: Sessions
    signing_in: SigningIn
    second_factors: SecondFactors
    passkeys: Passkeys
    recovery: Recovery
    keys: Keys
    assets: Assets
    analyses: Analyses
    collections: Collections
    comments: Comments
    uploads: Uploads
    direct: DirectUploads
    rewriting: Rewriting
    operations: Operations
    limits: RateLimits
    authenticated: Authenticate


@dataclass(frozen=True, slots=True)
class QuerySide:
    """What only reads."""

    assets: AssetQueries
    analyses: AnalysisQueries
    reanalyses: ReanalysisQueries
    collections: CollectionQueries
    comments: CommentQueries
    timeline: TimelineQueries
    accounts: AccountQueries
    erasures: ErasureQueries
    media: AssetMedia
    storage: StorageQueries
    system: SystemQueries
    sagas: SagaQueries
    feed: LiveFeed


def command_side(core: Core) -> CommandSide:
    settings = core.settings
    signer = Signer(settings.secrets.signing_key)
    logins = Logins(core.pool, settings.secrets.installation_key)
    passwords = Passwords()
    proofs = Proofs(logins, passwords)
    sessions = Sessions(core.pool, logins, signer)
    backoff = Backoff(core.pool)
    second_factors = SecondFactors(core.commands, proofs, backoff, signer)
    keys = Keys(core.commands, core.pool)
    staging = Staging(core.objects.staging, settings.max_upload_bytes)
    quota = Quota(storage(core).usage)
    assets = Assets(core.commands, core.objects, staging, quota)
    uploads = Uploads(core.pool, staging, assets)
    limits = RateLimits(core.pool)
    return CommandSide(
        accounts=Accounts(core.commands, logins, passwords, sessions),
        erasures=Erasures(core.commands, proofs, core.pool),
        sessions=sessions,
        signing_in=SigningIn(sessions, logins, passwords, second_factors, backoff, limits, signer),
        second_factors=second_factors,
        passkeys=Passkeys(core.commands, logins, proofs),
        recovery=Recovery(core.commands, logins, passwords),
        keys=keys,
        assets=assets,
        collections=Collections(core.commands, canonical),
        analyses=Analyses(core.commands, ReanalysisQueries(core.pool).choose),
        comments=Comments(core.commands),
        uploads=uploads,
        direct=DirectUploads(uploads, core.objects),
        # Its children start when they are first asked, and end with this process.
        rewriting=Rewriting(
            core.commands,
            assets,
            core.objects,
            AudioPool(),
            quota,
        ),
        operations=Operations(Operating(SAGAS, core.log, core.pool, core.codec)),
        limits=limits,
        authenticated=Authenticate(Credentials(sessions, core.pool), limits),
    )


def storage(core: Core) -> StorageQueries:
    settings = core.settings
    return StorageQueries(core.pool, settings.storage_plans, settings.storage_plan)


def text_embedder(folder: Path | None) -> Callable[[], TextEmbedder]:
    """Imported when the first question has words: onnxruntime takes half a second. An operator's
    own is looked at now: raises TextModelRefused."""

    def make() -> TextEmbedder:
        from gateways.text.embedding import make_embedder

        return make_embedder(folder)

    if folder is None:
        return make
    chosen = make()
    return lambda: chosen


def query_side(core: Core, tail: LogTail) -> QuerySide:
    cursors = Cursors(Signer(core.settings.secrets.signing_key))
    assets = AssetQueries(core.pool, cursors, text_embedder(core.settings.text_model_dir))
    timeline = TimelineQueries(core.pool, core.progress, cursors, core.codec.reveal)
    return QuerySide(
        assets=assets,
        collections=CollectionQueries(core.pool, assets, cursors, core.codec.reveal),
        analyses=AnalysisQueries(core.pool, assets, core.objects),
        reanalyses=ReanalysisQueries(core.pool),
        comments=CommentQueries(core.pool, assets, cursors, core.codec.reveal),
        timeline=timeline,
        accounts=AccountQueries(core.pool, assets, timeline),
        erasures=ErasureQueries(core.pool, core.progress.all),
        media=AssetMedia(assets, core.objects, read_zoom),
        storage=storage(core),
        system=SystemQueries(core.pool, core.progress, core.log.events.head, parts),
        sagas=SagaQueries(core.pool, cursors, core.log.events.stream),
        feed=LiveFeed(
            tail,
            core.log.events.head,
            lambda after, limit, tenant: core.log.events.after(after, limit, tenant=tenant),
        ),
    )


def build_app(core: Core, tail: LogTail) -> FastAPI:
    """Everything that answers HTTP, over one core."""
    changing, reading = command_side(core), query_side(core, tail)

    app = FastAPI(title="NoCulture OS", version=version(), docs_url=None, redoc_url=None)
    app.state.feed = reading.feed
    metrics = Metrics(reading.system)
    metrics.registry.register(InstallationFigures(core, reading.sagas.stuck, parts))
    core.log.observe(StoreFigures(metrics.registry).group_committed)
    look = web.app.load_look()
    authenticated, progress = changing.authenticated, core.progress
    for router in (
        commands.accounts.router(changing.accounts, changing.sessions, changing.limits),
        commands.accounts.password_router(changing.accounts, authenticated, changing.limits),
        commands.erasures.router(changing.erasures, authenticated, changing.limits),
        commands.sessions.router(changing.sessions, authenticated),
        commands.signing_in.router(changing.signing_in, changing.sessions),
        commands.second_factor_http.router(changing.second_factors, authenticated, changing.limits),
        commands.passkeys_http.router(
            changing.passkeys,
            changing.sessions,
            authenticated,
            changing.limits,
            core.settings.public_url,
        ),
        commands.recovery.router(changing.recovery, changing.limits),
        commands.keys.router(changing.keys, authenticated),
        commands.bulk.router(Bulk(core.commands, changing.assets), authenticated),
        commands.assets.router(changing.assets, authenticated),
        commands.analyses.router(changing.analyses, authenticated),
        commands.collections.router(changing.collections, authenticated),
        commands.comments.router(changing.comments, authenticated),
        commands.direct.router(changing.direct, authenticated),
        commands.uploads.router(changing.uploads, authenticated),
        commands.rewriting.router(changing.rewriting, authenticated),
        commands.operations.router(changing.operations, authenticated),
        read_api.events_http.router(
            authenticated, progress, reading.timeline, reading.feed, core.codec.reveal
        ),
        read_api.assets_http.router(authenticated, progress, reading.assets, reading.timeline),
        read_api.collections_http.router(authenticated, progress, reading.collections),
        read_api.analyses_http.router(
            authenticated,
            progress,
            reading.analyses,
            EnhancedAnalyses(reading.analyses, progress, changing.analyses.start),
            reading.reanalyses,
        ),
        read_api.comments_http.router(authenticated, progress, reading.comments),
        read_api.sagas_http.router(authenticated, progress, reading.sagas),
        read_api.media_http.router(authenticated, progress, reading.media),
        read_api.storage_http.router(authenticated, progress, reading.storage),
        read_api.accounts_http.router(authenticated, progress, reading.accounts),
        read_api.erasures_http.router(reading.erasures, progress, changing.limits),
        read_api.system_http.router(authenticated, reading.system, metrics, checks(core)),
        web.app.router(look, page_parts(core, changing, reading, look)),
    ):
        app.include_router(router)
    if tracing.on:
        app.add_middleware(TraceRequests)
    install_kit(app, streams_its_body, web.app.problem_page(look))
    app.add_middleware(CountRequests, metrics=metrics)
    return app


def page_parts(
    core: Core, changing: CommandSide, reading: QuerySide, look: web.app.Look
) -> web.parts.Parts:
    return web.parts.Parts(
        accounts=changing.accounts,
        erasures=changing.erasures,
        sessions=changing.sessions,
        signing_in=changing.signing_in,
        second_factors=changing.second_factors,
        passkeys=changing.passkeys,
        recovery=changing.recovery,
        keys=changing.keys,
        assets=changing.assets,
        rewriting=changing.rewriting,
        limits=changing.limits,
        authenticated=changing.authenticated,
        progress=core.progress,
        vault=reading.assets,
        collecting=changing.collections,
        collections=reading.collections,
        comments=changing.comments,
        said=reading.comments,
        timeline=reading.timeline,
        profile=reading.accounts,
        erasing=reading.erasures,
        media=reading.media,
        storage=reading.storage,
        reports=reading.analyses,
        reanalyses=reading.reanalyses,
        measuring=changing.analyses,
        system=reading.system,
        sagas=reading.sagas,
        operations=changing.operations,
        renderer=look.renderer,
    )


def streams_its_body(method: str, path: str) -> bool:
    """Uploads are read piece by piece and capped by `max_upload_bytes` instead."""
    return path == "/api/assets" or path.startswith("/api/uploads") or path == "/vault/upload"


def checks(core: Core) -> dict[str, Callable[[], str | None]]:
    """What /readyz asks; an answer is what is wrong."""

    def database() -> str | None:
        # First, and with less patience than a command: who asks wants to know now.
        with core.pool.connection(timeout=DATABASE_PATIENCE_S) as connection:
            connection.execute("SELECT 1")
        return None

    def migrations() -> str | None:
        with core.pool.connection() as connection:
            applied = connection.execute("SELECT max(number) FROM migrations").fetchone()
        wanted = newest_migration()
        number = applied[0] if applied else None
        return None if number == wanted else f"at {number}, this version needs {wanted}"

    return {
        "database": database,
        "migrations": migrations,
        "consumers": lambda: consumers_running(core.progress),
        "relay": core.progress.refused,
    }


def parts() -> list[dict[str, object]]:
    """The processes of this installation, as `status --json` lists them."""
    try:
        described = describe(chosen_data())
    except Exception as error:
        if getattr(error, "code", "") != "nothing-running":
            raise
        return []
    return list(described["parts"])
