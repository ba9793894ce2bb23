"""What only reads put together: every query, over one core."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from events.log.tail import LogTail
from events.store.postgres import PostgresEvents
from gateways.audio.peaks import read_zoom
from gateways.ports.text import TextEmbedder
from kit.paging import Cursors
from kit.tokens import Signer
from read_api.account.accounts import AccountQueries
from read_api.account.erasures import ErasureQueries
from read_api.account.holders import Holders
from read_api.account.sign_ins import SignInQueries
from read_api.system.live import LiveFeed
from read_api.system.sagas import SagaQueries
from read_api.system.system import SystemQueries
from read_api.system.timeline import TimelineQueries
from read_api.vault.analyses import AnalysisQueries
from read_api.vault.assets import AssetQueries
from read_api.vault.collections import CollectionQueries
from read_api.vault.comments import CommentQueries
from read_api.vault.media import AssetMedia
from read_api.vault.queue import Queue, read_queue
from read_api.vault.reanalyses import ReanalysisQueries
from read_api.vault.storage import StorageQueries
from runtime.composition import Core
from runtime.installation import chosen_data
from runtime.status import describe


@dataclass(frozen=True, slots=True)
class QuerySide:
    """What only reads."""

    assets: AssetQueries
    analyses: AnalysisQueries
    reanalyses: ReanalysisQueries
    queue: Callable[[], Queue]
    collections: CollectionQueries
    comments: CommentQueries
    timeline: TimelineQueries
    accounts: AccountQueries
    erasures: ErasureQueries
    media: AssetMedia
    storage: StorageQueries
    system: SystemQueries
    sagas: SagaQueries
    sign_ins: SignInQueries
    stuck: Callable[[], dict[str, int]]
    feed: LiveFeed


def query_side(core: Core, tail: LogTail) -> QuerySide:
    cursors = Cursors(Signer(core.settings.secrets.signing_key))
    assets = AssetQueries(core.pool, cursors, text_embedder(core.settings.text_model_dir))
    timeline = TimelineQueries(core.pool, core.progress, cursors, core.codec.reveal)
    return QuerySide(
        assets=assets,
        collections=CollectionQueries(core.pool, assets, cursors, core.codec.reveal),
        analyses=AnalysisQueries(core.pool, assets, core.objects),
        reanalyses=ReanalysisQueries(core.pool),
        queue=partial(_queue, core),
        comments=CommentQueries(core.pool, assets, cursors, core.codec.reveal),
        timeline=timeline,
        accounts=AccountQueries(core.pool, assets, timeline, test_mode=core.settings.test_mode),
        erasures=ErasureQueries(core.pool, core.progress.all),
        media=AssetMedia(assets, core.objects, read_zoom),
        storage=storage(core),
        sign_ins=SignInQueries(core.log.events.stream),
        system=SystemQueries(
            core.watching, core.watched().progress, PostgresEvents(core.watching).head, parts
        ),
        sagas=SagaQueries(core.pool, cursors, core.log.events.stream),
        stuck=SagaQueries(core.watching, cursors, core.log.events.stream).stuck,
        feed=LiveFeed(
            tail,
            core.log.events.head,
            lambda after, limit, tenant: core.log.events.after(after, limit, tenant=tenant),
            Holders(core.pool, core.settings.session_life).living,
            most=core.settings.live_streams,
            of_network=core.settings.live_streams_per_network,
        ),
    )


def _queue(core: Core) -> Queue:
    with core.pool.connection() as connection:
        return read_queue(connection)


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


def parts() -> list[dict[str, object]]:
    """The processes of this installation, as `status --json` lists them."""
    try:
        described = describe(chosen_data())
    except Exception as error:
        if getattr(error, "code", "") != "nothing-running":
            raise
        return []
    return list(described["parts"])
