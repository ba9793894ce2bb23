"""The vault area: recordings, uploads, measurements, collections, comments, search."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from commands.vault import emptying_handlers, ingest_handlers, reanalysing_handlers
from events.access import Shown
from events.vault.asset import OWNERS_ONLY
from kit.exports import Export
from kit.policies import Policy
from processors.vault.audio import AnalysisEffect, ProbeEffect, rank
from projections.vault.analyses import Analyses as AnalysesView
from projections.vault.collections import Collections as CollectionsView
from projections.vault.comments import Comments as CommentsView
from projections.vault.reanalyses import Reanalyses as ReanalysesView
from projections.vault.sounds import Sounds as SoundsView
from projections.vault.vault import Vault as VaultView
from runtime.areas import vault_turns
from runtime.areas.area import (
    Access,
    Area,
    Category,
    EffectGroup,
    Erased,
    Gathered,
    Served,
    Serving,
    Working,
)
from sagas.vault.emptying import EMPTYING
from sagas.vault.ingest import INGEST
from sagas.vault.reanalysing import REANALYSING
from sagas.vault.remeasuring import REMEASURING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from commands.leaving import Contents
    from commands.vault.analyses import Analyses
    from commands.vault.artwork import Artworks
    from commands.vault.assets import Assets
    from commands.vault.bulk import Bulk
    from commands.vault.collections import Collections
    from commands.vault.comments import Comments
    from commands.vault.direct import DirectUploads
    from commands.vault.marks import Marks
    from commands.vault.rewriting import Rewriting
    from commands.vault.trash import Trash
    from commands.vault.uploads import Uploads
    from gateways.ports.text import TextEmbedder
    from kit.fair import FairQueue
    from kit.paging import Cursors
    from processors.effects.effect import Effect
    from read_api.vault.assets import AssetQueries
    from read_api.vault.queue import Queue
    from read_api.vault.storage import StorageQueries
    from runtime.composition import Core
    from web.render import Words
    from web.sections import Section


@dataclass(frozen=True, slots=True)
class VaultCommands:
    """The commands of the area, for routes, pages and the command line alike."""

    assets: Assets
    bulk: Bulk
    marks: Marks
    artworks: Artworks
    analyses: Analyses
    collections: Collections
    comments: Comments
    uploads: Uploads
    direct: DirectUploads
    rewriting: Rewriting
    trash: Trash


def commands_of(
    core: Core, is_erased: Callable[[str], bool], files: FairQueue | None = None
) -> VaultCommands:
    """`is_erased` says it of an account. `files` are turns at checking and moving files."""
    from commands.vault.analyses import Analyses
    from commands.vault.artwork import Artworks
    from commands.vault.assets import Assets
    from commands.vault.bulk import Bulk
    from commands.vault.collections import Collections
    from commands.vault.comments import Comments
    from commands.vault.direct import DirectUploads
    from commands.vault.marks import Marks
    from commands.vault.quota import Quota
    from commands.vault.rewriting import Rewriting
    from commands.vault.staging import Staging
    from commands.vault.trash import Trash
    from commands.vault.uploads import Uploads
    from gateways.audio.pool import AudioPool
    from read_api.vault.reanalyses import ReanalysisQueries
    from read_api.vault.search.saved import canonical
    from read_api.vault.trash import oldest_in_trash

    staging = Staging(core.objects, core.settings.max_upload_bytes)
    quota = Quota(storage(core).usage)
    assets = Assets(core.commands, core.objects, staging, quota, files, is_erased=is_erased)
    uploads = Uploads(core.pool, staging, assets)
    # Its children start when they are first asked, and end with this process.
    tools = AudioPool()
    return VaultCommands(
        assets=assets,
        bulk=Bulk(core.commands, assets),
        marks=Marks(core.commands, assets),
        artworks=Artworks(core.commands, assets, core.objects, tools, quota),
        analyses=Analyses(core.commands, ReanalysisQueries(core.pool).choose),
        collections=Collections(core.commands, canonical),
        comments=Comments(core.commands),
        uploads=uploads,
        direct=DirectUploads(uploads, core.objects),
        rewriting=Rewriting(core.commands, assets, core.objects, tools, quota),
        trash=Trash(core.commands, assets, partial(oldest_in_trash, core.pool)),
    )


def storage(core: Core) -> StorageQueries:
    from read_api.vault.storage import StorageQueries

    return StorageQueries(core.pool, core.settings.storage_plans, core.settings.storage_plan)


def asset_queries(core: Core, cursors: Cursors) -> AssetQueries:
    from read_api.vault.assets import AssetQueries
    from runtime.areas.system import sharing_of

    embedder = text_embedder(core.settings.text_model_dir)
    return AssetQueries(core.pool, cursors, embedder, sharing_of(core))


def text_embedder(folder: Path | None) -> Callable[[], TextEmbedder]:
    """Imports the model when the first question has words: onnxruntime takes half a second. An
    operator's own model is looked at now. Raises TextModelRefused.
    """

    def make() -> TextEmbedder:
        from gateways.text.embedding import make_embedder

        return make_embedder(folder)

    if folder is None:
        return make
    chosen = make()
    return lambda: chosen


def queue_of(core: Core) -> Queue:
    """Counts what waits to be measured."""
    from read_api.vault.queue import read_queue

    with core.pool.connection() as connection:
        return read_queue(connection)


def _serve(serving: Serving, access: Access, exports: Mapping[str, Export]) -> Served:
    from commands.vault import (
        analyses,
        artwork,
        assets,
        bulk,
        collections,
        comments,
        direct,
        enhanced,
        marks,
        rewriting,
        sharing,
        songs,
        trash,
        uploads,
    )
    from gateways.audio.peaks import read_zoom
    from read_api.vault import (
        analyses_http,
        archive_http,
        assets_http,
        collections_http,
        comments_http,
        media_http,
        storage_http,
    )
    from read_api.vault.analyses import AnalysisQueries
    from read_api.vault.collections import CollectionQueries
    from read_api.vault.comments import CommentQueries
    from read_api.vault.media import AssetMedia
    from read_api.vault.reanalyses import ReanalysisQueries
    from runtime.areas.system import shared_events, sharing_of, timeline_of
    from runtime.taster import taster
    from web.pages.vault import archive as archive_page
    from web.pages.vault import asset as asset_page
    from web.pages.vault import collections as collections_page
    from web.pages.vault import home, measuring
    from web.pages.vault import taster as taster_page
    from web.pages.vault import trash as trash_page
    from web.pages.vault import vault as vault_page
    from web.pages.vault.tools import VaultTools

    core, authenticated, progress = serving.core, access.authenticated, serving.core.progress
    reveal, cursors = core.codec.reveal, serving.cursors
    files = vault_turns.shared(core.settings.files_at_once)
    searches = vault_turns.shared(core.settings.searches_at_once)
    commands = commands_of(core, access.is_erased, files)
    found = asset_queries(core, cursors)
    timeline = timeline_of(core, cursors, shared_events(core, serving.gathered))
    shared = sharing.Sharing(core.commands, access.find_person)
    reports = AnalysisQueries(core.pool, found, core.objects)
    reanalyses, usage = ReanalysisQueries(core.pool), storage(core)
    collected = CollectionQueries(core.pool, found, cursors, reveal)
    said = CommentQueries(core.pool, found, cursors, reveal)
    media = AssetMedia(found, core.objects, read_zoom, sharing_of(core))
    waiting = enhanced.EnhancedAnalyses(commands.analyses, reports.standing, progress)
    tools = VaultTools(
        renderer=serving.renderer,
        authenticated=authenticated,
        progress=progress,
        limits=serving.limits,
        assets=commands.assets,
        rewriting=commands.rewriting,
        marks=commands.marks,
        trash=commands.trash,
        collecting=commands.collections,
        collections=collected,
        comments=commands.comments,
        sharing=shared,
        storage=usage,
        vault=found,
        said=said,
        media=media,
        reports=reports,
        reanalyses=reanalyses,
        queue=partial(queue_of, core),
        measuring=commands.analyses,
        newest_events=timeline.newest_of_asset,
        is_verified=access.is_verified,
        now=core.log.clock.now,
        taster=taster,
    )
    pages = (
        *(vault_page, taster_page, archive_page, measuring),
        *(asset_page, trash_page, collections_page),
    )
    return Served(
        routers=(
            bulk.router(commands.bulk, authenticated),
            marks.router(commands.marks, authenticated),
            artwork.router(commands.artworks, authenticated),
            songs.router(songs.Songs(core.commands, commands.assets), authenticated),
            trash.router(commands.trash, authenticated),
            assets.router(commands.assets, authenticated),
            analyses.router(commands.analyses, authenticated),
            collections.router(commands.collections, authenticated),
            comments.router(commands.comments, authenticated),
            direct.router(commands.direct, authenticated),
            uploads.router(commands.uploads, authenticated),
            rewriting.router(commands.rewriting, authenticated),
            sharing.router(shared, authenticated, serving.limits),
            enhanced.router(waiting, authenticated, progress),
            # Before the routes of one asset, whose id could be any word.
            archive_http.router(authenticated, progress, media),
            assets_http.router(
                *(authenticated, progress, found, timeline.of_asset),
                vault_turns.searching(searches, access.account),
            ),
            collections_http.router(authenticated, progress, collected),
            analyses_http.router(authenticated, progress, reports, reanalyses),
            comments_http.router(authenticated, progress, said),
            media_http.router(authenticated, progress, media),
            storage_http.router(authenticated, progress, usage),
        ),
        pages=[page.router(tools) for page in pages],
        costly=tuple(vault_turns.costly(files, searches, access.account)),
        streams=vault_turns.STREAMS,
        home=home.part(tools),
        commands=commands,
        queries={"assets": found},
    )


def _work(working: Working) -> Iterable[Effect]:
    """Probes only: what is measured is the analysis pool's (`analysing`)."""
    from gateways.audio.pool import AudioPool

    tools = working.stack.enter_context(AudioPool(ProbeEffect.cap))
    return (ProbeEffect(tools, working.core.objects),)


def analysing(core: Core, stack: ExitStack) -> AnalysisEffect:
    """The effect of the analysis pool: as many tracks at once as `analysis_workers` says."""
    from gateways.audio.pool import AudioPool

    settings = core.settings
    tools = stack.enter_context(
        AudioPool(
            settings.analysis_workers,
            analyser=settings.analyser,
            models=settings.analysis_models == "on",
            models_dir=settings.models_dir,
            models_wanted=[name.strip() for name in settings.models_wanted.split(",") if name],
        )
    )
    return AnalysisEffect(tools, core.objects, settings.analysis_workers)


def _sections() -> Sequence[Section]:
    from web.pages.vault.sections import SECTIONS

    return SECTIONS


def _words(gathered: Gathered) -> Words:
    from web.pages.vault.words import in_templates

    return in_templates()


def _exports(core: Core, cursors: Cursors) -> Mapping[str, Export]:
    from read_api.vault.comments import CommentQueries
    from read_api.vault.export import exported

    assets = asset_queries(core, cursors)
    said = CommentQueries(core.pool, assets, cursors, core.codec.reveal)
    return {
        "assets": Export("assets:read", partial(exported, assets)),
        "comments": Export("assets:read", said.exported),
    }


def _empties(core: Core) -> Contents:
    from commands.vault.contents import VaultContents

    return VaultContents(core.commands, core.objects)


AREA = Area(
    name="vault",
    categories={
        "asset": Category(Erased.DELETED, told=True, shown=Shown("listen", withheld=OWNERS_ONLY)),
        "analysis": Category(Erased.NOTHING_PERSONAL, told=True, shown=Shown("listen")),
        "collection": Category(Erased.DELETED, told=True),
        "comment": Category(
            Erased.DELETED, told=True, shown=Shown("comment", published=frozenset({"text"}))
        ),
        "ingest": Category(Erased.NOTHING_PERSONAL, told=True),
        "emptying": Category(Erased.NOTHING_PERSONAL, told=False),
        "reanalysis": Category(Erased.NOTHING_PERSONAL, told=True),
        "reanalysing": Category(Erased.NOTHING_PERSONAL, told=False),
        "remeasuring": Category(Erased.NOTHING_PERSONAL, told=False),
    },
    scopes={"assets:read": "read tracks", "assets:write": "upload and change tracks"},
    # Whoever types addresses learns which of them have an account: sixty an hour find few.
    limits=(Policy("share-address", 60, window_s=3600),),
    views=(AnalysesView, ReanalysesView, SoundsView, CollectionsView, CommentsView, VaultView),
    sagas=(INGEST, REMEASURING, REANALYSING, EMPTYING),
    handlers={
        **ingest_handlers.HANDLERS,
        **reanalysing_handlers.HANDLERS,
        **emptying_handlers.HANDLERS,
    },
    effects=(EffectGroup("audio-effects", (ProbeEffect, AnalysisEffect), rank),),
    sections=_sections,
    words=_words,
    export=_exports,
    empties=_empties,
    serve=_serve,
    work=_work,
)
