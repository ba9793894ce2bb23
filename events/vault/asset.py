"""Assets: recordings in a musician's vault, from the upload to the bin."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from events.ids import AccountId, AssetId, WorkspaceId
from events.model import Event, Personal
from events.vault.audio import AudioFacts, Blob, Picture, Sha256, Tags

Filename = Annotated[str, StringConstraints(max_length=500)]
RelativePath = Annotated[str, StringConstraints(max_length=2000)]


class AssetUploaded(Event, type="asset.uploaded", version=2, subject="uploaded_by"):
    """All bytes arrived and are stored; nothing has looked inside the file yet.

    `path` is where the file lay in the folder that was chosen: `Song A/Kick.wav`; null for a file
    that was chosen alone.
    """

    asset_id: AssetId
    workspace_id: WorkspaceId
    uploaded_by: AccountId
    filename: Personal[Filename]
    sha256: Sha256
    size_bytes: int = Field(gt=0)
    path: Personal[RelativePath] = None


class AssetProbeRequested(Event, type="asset.probe_requested", version=2):
    """Look into the file again: the last attempt gave no answer in time."""

    asset_id: AssetId
    workspace_id: WorkspaceId
    sha256: Sha256
    attempt: int


class AssetVerified(Event, type="asset.verified", version=2, subject="owner_id"):
    """The file decodes from end to end; `tags` is what the file says of itself.

    `playable`: browsers play it as it is; null where nobody looked. `rendition` is a copy that they
    play where it is not, null where none could be made. `cover_note` says why a picture that the
    file carries is not its cover.
    """

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


class AssetRejected(Event, type="asset.rejected", version=1):
    """The file is no recording we can keep; `reason` is for the musician."""

    asset_id: AssetId
    workspace_id: WorkspaceId
    code: str
    reason: str


class AssetTagsEdited(Event, type="asset.tags_edited", version=2, subject="edited_by"):
    """The musician said otherwise than the file; only the named fields changed, null clears one."""

    asset_id: AssetId
    workspace_id: WorkspaceId
    edited_by: AccountId
    changed: tuple[str, ...]
    tags: Personal[Tags]


class AssetFileRewritten(Event, type="asset.file_rewritten", version=1, subject="rewritten_by"):
    """The musician had the tags written into a new version of the file; its sound is the same.

    `tags` is what the file says now; `left_out` names what its format cannot hold. The original, as
    it was uploaded, stays stored.
    """

    asset_id: AssetId
    workspace_id: WorkspaceId
    rewritten_by: AccountId
    sha256: Sha256
    size_bytes: int = Field(gt=0)
    previous_sha256: Sha256
    original_sha256: Sha256
    original_size_bytes: int = Field(gt=0)
    written: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    tags: Personal[Tags]


class AssetDeleted(Event, type="asset.deleted", version=1):
    """The musician removed it; its content may be uploaded again as a new asset."""

    asset_id: AssetId
    workspace_id: WorkspaceId
    deleted_by: AccountId
    sha256: Sha256
