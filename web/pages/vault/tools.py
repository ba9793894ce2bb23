"""Tools of the vault's pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from commands.vault.analyses import Analyses
from commands.vault.assets import Assets
from commands.vault.collections import Collections
from commands.vault.comments import Comments
from commands.vault.marks import Marks
from commands.vault.rewriting import Rewriting
from commands.vault.sharing import Sharing
from commands.vault.trash import Trash
from kit.caller import Caller
from read_api.vault.analyses import AnalysisQueries
from read_api.vault.assets import AssetQueries
from read_api.vault.collections import CollectionQueries
from read_api.vault.comments import CommentQueries
from read_api.vault.media import AssetMedia
from read_api.vault.queue import Queue
from read_api.vault.reanalyses import ReanalysisQueries
from read_api.vault.storage import StorageQueries
from schemas.dto import EventDto
from web.tools import PageTools


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultTools(PageTools):
    """`newest_events` tells what happened to an asset, `is_verified` whether an account has
    proven its address, `now` the time of the domain, `taster` the demo's tracks as
    (file name, content).
    """

    assets: Assets
    rewriting: Rewriting
    marks: Marks
    trash: Trash
    collecting: Collections
    collections: CollectionQueries
    comments: Comments
    sharing: Sharing
    storage: StorageQueries
    vault: AssetQueries
    said: CommentQueries
    media: AssetMedia
    reports: AnalysisQueries
    reanalyses: ReanalysisQueries
    queue: Callable[[], Queue]
    measuring: Analyses
    newest_events: Callable[[Caller, str, int], Sequence[EventDto]]
    is_verified: Callable[[str], bool]
    now: Callable[[], datetime]
    taster: Callable[[], Sequence[tuple[str, bytes]]]
