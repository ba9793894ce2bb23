"""Examples of earlier versions of the vault's events."""

from __future__ import annotations

from typing import Any

from events.model import Event
from events.vault.audio import Tags
from events.vault.earlier import (
    AnalysisRequestedV1,
    AssetProbeRequestedV1,
    AssetTagsEditedV1,
    AssetTagsEditedV2,
    AssetUploadedV1,
    AssetVerifiedV1,
    AssetVerifiedV2,
)
from schemas.examples import ACCOUNT, WORKSPACE
from schemas.vault.examples import ANALYSIS, ASSET, COVER, FACTS, FILENAME, SHA256, TAGS

_FILE: dict[str, Any] = {
    "asset_id": ASSET,
    "workspace_id": WORKSPACE,
    "sha256": SHA256,
    "filename": FILENAME,
}

EXAMPLES: tuple[Event, ...] = (
    AssetUploadedV1(**_FILE, uploaded_by=ACCOUNT, size_bytes=24_117_248),
    AssetProbeRequestedV1(**_FILE, attempt=2),
    AssetVerifiedV1(**_FILE, tags=TAGS, audio=FACTS, cover=COVER, playable=True),
    AssetVerifiedV2(
        asset_id=ASSET,
        workspace_id=WORKSPACE,
        owner_id=ACCOUNT,
        sha256=SHA256,
        tags=TAGS,
        audio=FACTS,
        cover=COVER,
        playable=True,
    ),
    AssetTagsEditedV1(
        asset_id=ASSET,
        workspace_id=WORKSPACE,
        edited_by=ACCOUNT,
        changed=("album", "title"),
        tags=Tags(title="Night Bus II"),
    ),
    AssetTagsEditedV2(
        asset_id=ASSET,
        workspace_id=WORKSPACE,
        edited_by=ACCOUNT,
        changed=("album", "title"),
        tags=Tags(title="Night Bus II"),
    ),
    AnalysisRequestedV1(**_FILE, analysis_id=ANALYSIS, attempt=1),
)
