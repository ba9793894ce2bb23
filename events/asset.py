"""Assets: recordings in a musician's vault, from the upload to the bin."""

from __future__ import annotations

from pydantic import Field

from events.audio import AudioFacts, Blob, Sha256, Tags
from events.ids import AccountId, AssetId, WorkspaceId
from events.model import Event


class AssetUploaded(Event, type="asset.uploaded", version=1):
    """All bytes arrived and are stored; nothing has looked inside the file yet."""

    asset_id: AssetId
    workspace_id: WorkspaceId
    uploaded_by: AccountId
    filename: str = Field(max_length=500)
    sha256: Sha256
    size_bytes: int = Field(gt=0)


class AssetProbeRequested(Event, type="asset.probe_requested", version=1):
    """Look into the file again: the last attempt gave no answer in time."""

    asset_id: AssetId
    workspace_id: WorkspaceId
    sha256: Sha256
    filename: str
    attempt: int


class AssetVerified(Event, type="asset.verified", version=1):
    """The file decodes from end to end; `tags` is what the file says of itself.

    `playable`: browsers play it as it is; null where nobody looked. `rendition` is a copy that they
    play where it is not, null where none could be made.
    """

    asset_id: AssetId
    workspace_id: WorkspaceId
    sha256: Sha256
    filename: str
    tags: Tags
    audio: AudioFacts
    cover: Blob | None
    playable: bool | None = None
    rendition: Blob | None = None


class AssetRejected(Event, type="asset.rejected", version=1):
    """The file is no recording we can keep; `reason` is for the musician."""

    asset_id: AssetId
    workspace_id: WorkspaceId
    code: str
    reason: str


class AssetTagsEdited(Event, type="asset.tags_edited", version=1):
    """The musician said otherwise than the file; only the named fields changed, null clears one."""

    asset_id: AssetId
    workspace_id: WorkspaceId
    edited_by: AccountId
    changed: tuple[str, ...]
    tags: Tags


class AssetDeleted(Event, type="asset.deleted", version=1):
    """The musician removed it; its content may be uploaded again as a new asset."""

    asset_id: AssetId
    workspace_id: WorkspaceId
    deleted_by: AccountId
    sha256: Sha256
