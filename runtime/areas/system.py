"""The system area: sagas in an operator's hand, the timeline, the live feed, health."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from kit.exports import Export
from projections.system.grants import Grants
from projections.system.sagas import Sagas as SagasView
from projections.system.timeline import Timeline
from runtime.areas.area import (
    Access,
    Area,
    Category,
    Erased,
    Gathered,
    Served,
    Serving,
    Working,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import APIRouter

    from kit.auth import Authenticate
    from kit.paging import Cursors
    from processors.effects.effect import Effect
    from read_api.sharing import Sharing
    from read_api.system.shared_events import SharedEvents
    from read_api.system.system import Check
    from read_api.system.timeline import TimelineQueries
    from runtime.composition import Core
    from web.render import Words
    from web.sections import Section

DATABASE_PATIENCE_S = 2.0


def timeline_of(
    core: Core, cursors: Cursors, shared: SharedEvents | None = None
) -> TimelineQueries:
    from read_api.system.timeline import TimelineQueries

    return TimelineQueries(core.pool, core.progress, cursors, core.codec.reveal, shared)


def sharing_of(core: Core) -> Sharing:
    """The one way to things of other workspaces."""
    from read_api.sharing import Sharing

    return Sharing(core.pool, partial(core.progress.behind_s, Grants.name))


def shared_events(core: Core, gathered: Gathered) -> SharedEvents:
    from read_api.system.shared_events import SharedEvents

    return SharedEvents(sharing_of(core), core.progress, core.codec.reveal, gathered.shown)


def _serve(serving: Serving, access: Access, exports: Mapping[str, Export]) -> Served:
    from commands.system import operations
    from commands.system.operations import Operations
    from events.store.postgres import PostgresEvents
    from gateways.mail.by_double import SentMails
    from processors.system.operating import Operating
    from read_api.account.holders import Holders
    from read_api.system import events_http, sagas_http, system_http
    from read_api.system.live import LiveFeed
    from read_api.system.metrics import CountRequests, Metrics
    from read_api.system.sagas import SagaQueries
    from read_api.system.system import SystemQueries
    from runtime.domain_clock import clock_of
    from runtime.doubles import client_of
    from runtime.mode import mode
    from runtime.observability.figures import InstallationFigures, StoreFigures
    from runtime.status import parts_running
    from web import security_txt
    from web.pages.system import components as components_page
    from web.pages.system import doubles as doubles_page
    from web.pages.system import mails as mails_page
    from web.pages.system import sagas as sagas_page
    from web.pages.system import system as system_page
    from web.pages.system.tools import SystemTools

    core, authenticated, progress = serving.core, access.authenticated, serving.core.progress
    settings, cursors, events = core.settings, serving.cursors, core.log.events
    shared = shared_events(core, serving.gathered)
    timeline = timeline_of(core, cursors, shared)
    operating = Operations(Operating(serving.gathered.sagas, core.log, core.pool, core.codec))
    system = SystemQueries(
        core.watching,
        core.watched().progress,
        PostgresEvents(core.watching).head,
        parts_running,
        mode(settings),
    )
    watched_now = clock_of(settings, core.watching).now
    stuck = SagaQueries(core.watching, cursors, events.stream, watched_now).stuck
    sagas = SagaQueries(core.pool, cursors, events.stream, core.log.clock.now)
    metrics = Metrics(system)
    metrics.registry.register(InstallationFigures(core, stuck, parts_running, watched_now))
    core.log.observe(StoreFigures(metrics.registry).group_committed)
    feed = LiveFeed(
        serving.tail,
        events.head,
        lambda after, limit, tenant: events.after(after, limit, tenant=tenant),
        Holders(core.pool, settings.session_life).living,
        foreign=shared,
        most=settings.live_streams,
        of_network=settings.live_streams_per_network,
    )
    test = (name for name, which in system.mode.items() if which == "test")
    doubles = {name: client_of(settings, name) for name in test}
    asked = checks(core.watched(), [view.name for view in serving.gathered.views])
    tools = SystemTools(
        renderer=serving.renderer,
        authenticated=authenticated,
        progress=progress,
        limits=serving.limits,
        system=system,
        sagas=sagas,
        operations=operating,
        sign_out=access.sign_out,
        doubles=doubles,
        mails=SentMails(doubles["mail"]) if "mail" in doubles else None,
    )
    return Served(
        routers=(
            *_clock(serving, authenticated),
            operations.router(operating, authenticated),
            events_http.router(authenticated, progress, timeline, feed, core.codec.reveal),
            sagas_http.router(authenticated, progress, sagas),
            system_http.router(
                authenticated,
                system,
                metrics,
                asked,
                {"records": core.watched().progress.records_alarm},
            ),
            security_txt.router(settings.security_contact),
        ),
        pages=[
            page.router(tools)
            for page in (system_page, sagas_page, mails_page, doubles_page, components_page)
        ],
        commands=operating,
        queries={"timeline": timeline, "feed": feed},
        middleware=((CountRequests, {"metrics": metrics}),),
        # Open live streams end at once; waiting for them would cost every stop the full 5 s.
        close=feed.close,
    )


def _clock(serving: Serving, authenticated: Authenticate) -> Sequence[APIRouter]:
    """The route that advances the clock, where nothing outside is live."""
    from commands.system import clock
    from processors.system.advancing import Advancing
    from runtime.domain_clock import live_ones

    core = serving.core
    if live_ones(core.settings):
        return ()
    advancing = Advancing(core.pool, core.log.clock, core.progress, serving.gathered.sagas)
    return (clock.router(advancing, authenticated),)


def checks(core: Core, views: Sequence[str]) -> dict[str, Check]:
    """Questions of /readyz by name; an answer says what is wrong."""
    from read_api.system.system import consumers_running
    from runtime.migrate import newest_migration
    from runtime.status import failing_parts

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
        "consumers": lambda: consumers_running(core.progress, views),
        "relay": core.progress.refused,
        "parts": lambda: failing_parts(core.settings.run_dir),
    }


def _work(working: Working) -> Iterable[Effect]:
    return ()


def _sections() -> Sequence[Section]:
    from web.sections import Section

    return (
        Section(
            name="System",
            path="/system",
            icon="pulse",
            order=90,
            pages=("system_page", "sagas_page"),
            operators_only=True,
        ),
    )


def _words(gathered: Gathered) -> Words:
    from web.render import Words

    return Words()


def _exports(core: Core, cursors: Cursors) -> Mapping[str, Export]:
    return {"events": Export("events:read", timeline_of(core, cursors).exported)}


AREA = Area(
    name="system",
    categories={"operation": Category(Erased.NOTHING_PERSONAL, told=True)},
    scopes={"events:read": "follow what happens", "operator": "operate this installation"},
    limits=(),
    views=(Grants, SagasView, Timeline),
    sagas=(),
    handlers={},
    effects=(),
    sections=_sections,
    words=_words,
    export=_exports,
    # Operations are nobody's contents: they say what an operator did.
    empties=None,
    serve=_serve,
    work=_work,
)
