"""Turns at what costs much in the vault: whole files, and searches."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kit.fair import FairQueue
    from kit.turns import Costly, SubjectOf
    from read_api.vault.assets_http import Searching

# Uploads are read piece by piece and capped by `max_upload_bytes` instead.
STREAMS = ("/api/assets", "/api/assets/[^/]+/artwork", "/api/uploads.*", "/vault/upload")
# Paths of requests that read or write whole files.
FILES = (
    "/api/assets/(?:edits|marks|deletions|trash|restore|trash/empty)",
    "/trash/empty",
    "/vault/taster",
    "/api/assets/[^/]+/file",
    "/assets/[^/]+/file",
    "/api/uploads/direct/.*/complete",
)
# A question has words, or is for what sounds like a recording.
ASKS = re.compile(rb"(?:^|&)(?:q|similar_to)=[^&]")


def shared(slots: int) -> FairQueue:
    """A queue for work of seconds: nobody has all slots of two or more."""
    from kit.fair import FairQueue

    return FairQueue(slots, each=max(1, slots // 2))


def searching(searches: FairQueue, account: SubjectOf) -> Searching:
    """Dependencies of the API's searches."""
    from kit.turns import in_turn
    from read_api.vault.assets_http import Searching

    return Searching(if_asked=in_turn(searches, account, ASKS), always=in_turn(searches, account))


def costly(files: FairQueue, searches: FairQueue, account: SubjectOf) -> Iterator[Costly]:
    """Requests that read whole files, or search. Uploads take a turn once their bytes are here
    (`commands/vault/assets.py`).
    """
    from kit.turns import passing

    yield from passing(files, account, "POST", *FILES)
    # It may read a whole upload for its digest.
    yield from passing(files, account, "HEAD", "/api/uploads/[^/]+")
    # The API's searches may wait for a view first: they have `searching`.
    yield from passing(searches, account, "GET", "/vault(?:/archive)?", query=ASKS)
    yield from passing(searches, account, "GET", "/assets/[^/]+/alike")
