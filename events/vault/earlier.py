"""Earlier versions of the vault's events, as they lie in logs, and how each becomes the next one.

Nothing writes them any more. What they say in plain stays plain: a hashed event is not rewritten.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from events.ids import AccountId, AnalysisId, AssetId, WorkspaceId
from events.model import REGISTRY, Event, Personal
from events.vault.audio import AudioFacts, Blob, Picture, Sha256, Tags


class AssetUploadedV1(Event, type="asset.uploaded", version=1):
    """With the file's name in plain."""

    asset_id: AssetId
    workspace_id: WorkspaceId
    uploaded_by: AccountId
    filename: str = Field(max_length=500)
    sha256: Sha256
    size_bytes: int = Field(gt=0)


class AssetProbeRequestedV1(Event, type="asset.probe_requested", version=1):
    """With the file's name in plain, which nobody needed."""

    asset_id: AssetId
    workspace_id: WorkspaceId
    sha256: Sha256
    filename: str
    attempt: int


class AssetVerifiedV1(Event, type="asset.verified", version=1):
    """With the file's name and tags in plain."""

    asset_id: AssetId
    workspace_id: WorkspaceId
    sha256: Sha256
    filename: str
    tags: Tags
    audio: AudioFacts
    cover: Blob | None
    playable: bool | None = None
    rendition: Blob | None = None


class AssetVerifiedV2(Event, type="asset.verified", version=2, subject="owner_id"):
    """From before a waveform was drawn ahead of the analysis."""

    asset_id: AssetId
    workspace_id: WorkspaceId
    owner_id: AccountId | None
    sha256: Sha256
    tags: Personal[Tags]
    audio: AudioFacts
    cover: Blob | None
    playable: bool | None = None
    rendition: Blob | None = None
    pictures: tuple[Picture, ...] = ()
    cover_note: str | None = None


class AssetTagsEditedV1(Event, type="asset.tags_edited", version=1):
    """With the tags in plain."""

    asset_id: AssetId
    workspace_id: WorkspaceId
    edited_by: AccountId
    changed: tuple[str, ...]
    tags: Tags


class AssetTagsEditedV2(Event, type="asset.tags_edited", version=2, subject="edited_by"):
    """From before anybody but its owner could edit them."""

    asset_id: AssetId
    workspace_id: WorkspaceId
    edited_by: AccountId
    changed: tuple[str, ...]
    tags: Personal[Tags]


class AnalysisRequestedV1(Event, type="analysis.requested", version=1):
    """With the file's name in plain, which nobody needed."""

    analysis_id: AnalysisId
    asset_id: AssetId
    workspace_id: WorkspaceId
    sha256: Sha256
    filename: str
    attempt: int


@REGISTRY.upcast("asset.uploaded", 1)
@REGISTRY.upcast("asset.tags_edited", 1)
def now_personal(data: dict[str, Any]) -> dict[str, Any]:
    """The same fields; what was plain is read as it is."""
    return data


@REGISTRY.upcast("asset.tags_edited", 2)
def edited_by_its_owner(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "owner_id": data["edited_by"]}


@REGISTRY.upcast("asset.probe_requested", 1)
@REGISTRY.upcast("analysis.requested", 1)
def without_filename(data: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name != "filename"}


@REGISTRY.upcast("asset.verified", 1)
def with_owner(data: dict[str, Any]) -> dict[str, Any]:
    return {**without_filename(data), "owner_id": None}


@REGISTRY.upcast("asset.verified", 2)
def without_peaks(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "peaks": None}
