"""The API process put together: commands, queries and pages on one ASGI app."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

import commands.account.accounts
import commands.account.address_codes
import commands.account.erasures
import commands.account.keys
import commands.account.passkeys_http
import commands.account.proofs_http
import commands.account.recovery
import commands.account.second_factor_http
import commands.account.sessions
import commands.account.signing_in
import commands.account.signing_out
import commands.system.operations
import commands.vault.analyses
import commands.vault.assets
import commands.vault.bulk
import commands.vault.collections
import commands.vault.comments
import commands.vault.direct
import commands.vault.enhanced
import commands.vault.rewriting
import commands.vault.uploads
import read_api.account.accounts_http
import read_api.account.erasures_http
import read_api.system.events_http
import read_api.system.sagas_http
import read_api.system.system_http
import read_api.vault.analyses_http
import read_api.vault.assets_http
import read_api.vault.collections_http
import read_api.vault.comments_http
import read_api.vault.media_http
import read_api.vault.storage_http
import web.app
import web.parts
import web.security_txt
from commands.vault.enhanced import EnhancedAnalyses
from events import tracing
from events.log.tail import LogTail
from kit.gathering import Gathering
from kit.install import install_kit
from kit.limits import Policy
from kit.turns import TakeTurns
from read_api.system.metrics import CountRequests, Metrics
from read_api.system.system import consumers_running
from runtime.command_side import CommandSide, command_side
from runtime.composition import Core
from runtime.costly import costly, searching
from runtime.installation import version
from runtime.migrate import newest_migration
from runtime.observability.figures import InstallationFigures, StoreFigures
from runtime.observability.tracing import TraceRequests
from runtime.query_side import QuerySide, parts, query_side
from runtime.status import failing_parts

DATABASE_PATIENCE_S = 2.0


@dataclass(frozen=True, slots=True)
class Application:
    """Everything that answers HTTP, and the handlers behind it."""

    app: FastAPI
    changing: CommandSide
    reading: QuerySide


def build_app(core: Core, tail: LogTail) -> FastAPI:
    """Everything that answers HTTP, over one core."""
    return compose(core, tail).app


def compose(core: Core, tail: LogTail, *policies: Policy) -> Application:
    """Puts the API together. `policies` replace the rate limits of the same name."""
    changing, reading = command_side(core, *policies), query_side(core, tail)

    app = FastAPI(
        title="NoCulture OS", version=version(), docs_url=None, redoc_url=None, openapi_url=None
    )
    app.state.feed = reading.feed
    metrics = Metrics(reading.system)
    metrics.registry.register(InstallationFigures(core, reading.stuck, parts))
    core.log.observe(StoreFigures(metrics.registry).group_committed)
    look = web.app.load_look()
    authenticated, progress = changing.authenticated, core.progress
    for router in (
        commands.account.accounts.router(changing.signing_up, changing.sessions),
        commands.account.accounts.password_router(
            changing.accounts, changing.sessions, authenticated, changing.limits
        ),
        commands.account.erasures.router(
            changing.erasures, changing.proofs, authenticated, changing.limits
        ),
        commands.account.address_codes.router(
            changing.address_codes, changing.email_key_of, authenticated, changing.limits
        ),
        commands.account.proofs_http.router(
            changing.proofs,
            changing.passkeys,
            authenticated,
            changing.limits,
            core.settings.public_url,
        ),
        commands.account.sessions.router(changing.sessions, authenticated, changing.proven),
        commands.account.signing_in.router(changing.signing_in, changing.sessions),
        commands.account.signing_out.router(changing.signing_out, authenticated),
        commands.account.second_factor_http.router(
            changing.second_factors,
            changing.proofs,
            changing.sessions,
            authenticated,
            changing.limits,
        ),
        commands.account.passkeys_http.router(
            changing.passkeys,
            changing.proofs,
            changing.sessions,
            authenticated,
            changing.limits,
            core.settings.public_url,
        ),
        commands.account.recovery.router(changing.recovery, changing.sessions.devices),
        commands.account.keys.router(changing.keys, authenticated, changing.proven),
        commands.vault.bulk.router(changing.bulk, authenticated),
        commands.vault.assets.router(changing.assets, authenticated),
        commands.vault.analyses.router(changing.analyses, authenticated),
        commands.vault.enhanced.router(
            EnhancedAnalyses(changing.analyses, reading.analyses.standing, progress),
            authenticated,
            progress,
        ),
        commands.vault.collections.router(changing.collections, authenticated),
        commands.vault.comments.router(changing.comments, authenticated),
        commands.vault.direct.router(changing.direct, authenticated),
        commands.vault.uploads.router(changing.uploads, authenticated),
        commands.vault.rewriting.router(changing.rewriting, authenticated),
        commands.system.operations.router(changing.operations, authenticated),
        read_api.system.events_http.router(
            authenticated, progress, reading.timeline, reading.feed, core.codec.reveal
        ),
        read_api.vault.assets_http.router(
            authenticated,
            progress,
            reading.assets,
            reading.timeline,
            searching(changing.queues, authenticated),
        ),
        read_api.vault.collections_http.router(authenticated, progress, reading.collections),
        read_api.vault.analyses_http.router(
            authenticated,
            progress,
            reading.analyses,
            reading.reanalyses,
        ),
        read_api.vault.comments_http.router(authenticated, progress, reading.comments),
        read_api.system.sagas_http.router(authenticated, progress, reading.sagas),
        read_api.vault.media_http.router(authenticated, progress, reading.media),
        read_api.vault.storage_http.router(authenticated, progress, reading.storage),
        read_api.account.accounts_http.router(
            authenticated, progress, reading.accounts, reading.sign_ins
        ),
        read_api.account.erasures_http.router(reading.erasures, progress, changing.limits),
        read_api.system.system_http.router(
            authenticated, reading.system, metrics, checks(core.watched())
        ),
        web.security_txt.router(core.settings.security_contact),
        web.app.router(look, page_parts(core, changing, reading, look)),
    ):
        app.include_router(router)
    app.add_route("/openapi.json", described(app), include_in_schema=False)
    if tracing.on:
        app.add_middleware(TraceRequests)
    # Innermost: a turn begins when the request's body is here.
    waiting = costly(changing.queues, authenticated, changing.sessions.devices)
    app.add_middleware(TakeTurns, costly=list(waiting))
    install_kit(
        app, core.settings.site, streams_its_body, web.app.problem_page(look, authenticated)
    )
    app.add_middleware(CountRequests, metrics=metrics)
    return Application(app, changing, reading)


def described(app: FastAPI) -> Callable[[Request], Awaitable[Response]]:
    """GET /openapi.json, made once and on a thread of its own: FastAPI takes a second to make it,
    and then 10 ms for each request, in which nobody else is answered.
    """
    made: list[bytes] = []

    def make(asked: Sequence[None]) -> list[bytes]:
        if not made:
            made.append(bytes(JSONResponse(app.openapi()).body))
        return made * len(asked)

    making = Gathering(make)

    async def openapi(request: Request) -> Response:
        document = made[0] if made else await making.ask(None)
        return Response(document, media_type="application/json")

    return openapi


def page_parts(
    core: Core, changing: CommandSide, reading: QuerySide, look: web.app.Look
) -> web.parts.Parts:
    return web.parts.Parts(
        accounts=changing.accounts,
        signing_up=changing.signing_up,
        erasures=changing.erasures,
        sessions=changing.sessions,
        signing_in=changing.signing_in,
        signing_out=changing.signing_out,
        second_factors=changing.second_factors,
        passkeys=changing.passkeys,
        recovery=changing.recovery,
        keys=changing.keys,
        proofs=changing.proofs,
        address_codes=changing.address_codes,
        email_key_of=changing.email_key_of,
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
        queue=reading.queue,
        measuring=changing.analyses,
        system=reading.system,
        sagas=reading.sagas,
        sign_ins=reading.sign_ins,
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
        "parts": lambda: failing_parts(core.settings.run_dir),
    }
