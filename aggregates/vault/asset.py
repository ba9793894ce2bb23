"""Rules of one asset: uploaded, then verified or rejected; tagged, marked, put among the versions
of a song, shared, in the trash and out of it; deleted at last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from aggregates.decision import Decision
from aggregates.errors import AlreadyExists, NotFound
from aggregates.vault.asset_state import CONTENT_CLAIM as CONTENT_CLAIM
from aggregates.vault.asset_state import SHARED_CLAIM as SHARED_CLAIM
from aggregates.vault.asset_state import Artwork as Artwork
from aggregates.vault.asset_state import Asset as Asset
from aggregates.vault.asset_state import AssetInTrash as AssetInTrash
from aggregates.vault.asset_state import AssetNotReady as AssetNotReady
from aggregates.vault.asset_state import after, existing, in_use, verified
from aggregates.vault.asset_state import content_claim as content_claim
from aggregates.vault.asset_state import shared_claim as shared_claim
from aggregates.vault.asset_state import tag_now as tag_now
from aggregates.vault.asset_state import tags_to_write as tags_to_write
from aggregates.vault.asset_state import with_names as with_names
from aggregates.vault.sharing import MAX_PEOPLE, OwnThing, SharedWithTooMany
from events.ids import AccountId, AssetId, WorkspaceId
from events.vault.asset import (
    AssetArtworkRemoved,
    AssetArtworkSet,
    AssetDeleted,
    AssetFileRewritten,
    AssetMarked,
    AssetProbeRequested,
    AssetRejected,
    AssetRestored,
    AssetShared,
    AssetTagsEdited,
    AssetTrashed,
    AssetUnshared,
    AssetUploaded,
    AssetVerified,
    Right,
)
from events.vault.audio import AudioFacts, Blob, Picture, Tags

STORED_AS = "aggregates.asset"
evolve = after
KEPT_IN_TRASH = timedelta(days=30)


def upload(
    nothing: Asset | None,
    asset_id: AssetId,
    *,
    workspace_id: WorkspaceId,
    uploaded_by: AccountId,
    filename: str,
    sha256: str,
    size_bytes: int,
    path: str | None = None,
) -> Decision:
    """Keep a new recording. The same bytes in the same workspace are a lost claim (409)."""
    if nothing is not None:
        raise AlreadyExists("The asset")
    return Decision(
        AssetUploaded(
            asset_id=asset_id,
            workspace_id=workspace_id,
            uploaded_by=uploaded_by,
            filename=filename,
            sha256=sha256,
            size_bytes=size_bytes,
            path=path,
        ),
        takes=(content_claim(sha256),),
    )


def request_probe(asset: Asset | None, asset_id: AssetId) -> Decision:
    """Ask for another look into the file; a decided file needs none."""
    asset = existing(asset)
    if asset.state != "uploaded":
        return Decision()
    return Decision(
        AssetProbeRequested(
            asset_id=asset_id,
            workspace_id=asset.workspace_id,
            sha256=asset.sha256,
            attempt=asset.probe_attempts + 1,
        )
    )


def verify(
    asset: Asset | None,
    asset_id: AssetId,
    *,
    tags: Tags,
    audio: AudioFacts,
    cover: Blob | None,
    playable: bool | None = None,
    rendition: Blob | None = None,
    pictures: tuple[Picture, ...] = (),
    cover_note: str | None = None,
    peaks: Blob | None = None,
) -> Decision:
    """Say that the file decodes. A second answer to the same question changes nothing."""
    asset = existing(asset)
    if asset.state != "uploaded":
        return Decision()
    return Decision(
        AssetVerified(
            asset_id=asset_id,
            workspace_id=asset.workspace_id,
            owner_id=asset.owner_id,
            sha256=asset.sha256,
            tags=tags,
            audio=audio,
            cover=cover,
            playable=playable,
            rendition=rendition,
            pictures=pictures,
            cover_note=cover_note,
            peaks=peaks,
        )
    )


def reject(asset: Asset | None, asset_id: AssetId, *, code: str, reason: str) -> Decision:
    """Refuse a file that is no recording. Its content claim stays: the same bytes, the same answer.

    Whoever wants another look deletes it and uploads it again.
    """
    asset = existing(asset)
    if asset.state != "uploaded":
        return Decision()
    return Decision(
        AssetRejected(asset_id=asset_id, workspace_id=asset.workspace_id, code=code, reason=reason)
    )


def edit_tags(
    asset: Asset | None, asset_id: AssetId, *, edited_by: AccountId, changes: dict[str, object]
) -> Decision:
    """Override what the file says.

    `changes` maps tag names to new values, None clears one.

    Refuses AssetNotReady (409) before the file is verified, AssetInTrash (409). Saying the same
    again changes nothing.
    """
    asset = verified(asset)
    changes = with_names(asset, changes)
    said = asset.overrides.model_dump()
    changed = tuple(
        sorted(k for k, v in changes.items() if said[k] != v or k not in asset.overridden)
    )
    if not changed:
        return Decision()
    values = {name: changes[name] for name in changed}
    return Decision(
        AssetTagsEdited(
            asset_id=asset_id,
            workspace_id=asset.workspace_id,
            owner_id=asset.owner_id,
            edited_by=edited_by,
            changed=changed,
            tags=Tags.model_validate(values),
        )
    )


def mark(
    asset: Asset | None, asset_id: AssetId, *, marked_by: AccountId, changes: Mapping[str, Any]
) -> Decision:
    """Say how far it is, how good, in which colour; marks that `changes` does not name stay.

    Also before its file is verified. Refuses AssetInTrash (409). Saying the same again changes
    nothing.
    """
    asset = in_use(asset)
    marks = replace(asset.marks, **changes)
    if marks == asset.marks:
        return Decision()
    return Decision(
        AssetMarked(
            asset_id=asset_id,
            workspace_id=asset.workspace_id,
            marked_by=marked_by,
            **asdict(marks),
        )
    )


def set_artwork(
    asset: Asset | None, asset_id: AssetId, *, set_by: AccountId, artwork: Artwork
) -> Decision:
    """Let a picture stand for it. Refuses AssetInTrash (409). The one that does so already changes
    nothing.
    """
    asset = in_use(asset)
    if artwork == asset.artwork:
        return Decision()
    return Decision(
        AssetArtworkSet(
            asset_id=asset_id,
            workspace_id=asset.workspace_id,
            set_by=set_by,
            picture=artwork.picture,
            small=artwork.small,
            width=artwork.width,
            height=artwork.height,
        )
    )


def remove_artwork(asset: Asset | None, asset_id: AssetId, *, removed_by: AccountId) -> Decision:
    """Go back to the picture of the file, or to none. Refuses AssetInTrash (409)."""
    asset = in_use(asset)
    if asset.artwork is None:
        return Decision()
    return Decision(
        AssetArtworkRemoved(
            asset_id=asset_id, workspace_id=asset.workspace_id, removed_by=removed_by
        )
    )


def undo_artwork(asset: Asset | None, asset_id: AssetId, *, undone_by: AccountId) -> Decision:
    """Take back the newest change of its picture; a second time makes that change again. Refuses
    AssetInTrash (409).
    """
    asset = in_use(asset)
    if asset.artwork_before is None:
        return remove_artwork(asset, asset_id, removed_by=undone_by)
    return set_artwork(asset, asset_id, set_by=undone_by, artwork=asset.artwork_before)


def rewrite_file(
    asset: Asset | None,
    asset_id: AssetId,
    *,
    rewritten_by: AccountId,
    sha256: str,
    size_bytes: int,
    written: tuple[str, ...],
    left_out: tuple[str, ...],
    tags: Tags,
) -> Decision:
    """The tags are in a new version of the file. Another recording of these bytes is a lost claim.

    Refuses AssetNotReady, AssetInTrash (409). The bytes that there are already change nothing.
    """
    asset = verified(asset)
    if sha256 == asset.sha256:
        return Decision()
    versions = (*asset.earlier, (asset.sha256, asset.size_bytes))
    original_sha256, original_size_bytes = versions[0]
    own = any(sha256 == earlier for earlier, _ in versions)
    return Decision(
        AssetFileRewritten(
            asset_id=asset_id,
            workspace_id=asset.workspace_id,
            rewritten_by=rewritten_by,
            sha256=sha256,
            size_bytes=size_bytes,
            previous_sha256=asset.sha256,
            original_sha256=original_sha256,
            original_size_bytes=original_size_bytes,
            written=written,
            left_out=left_out,
            tags=tags,
        ),
        takes=() if own else (content_claim(sha256),),
    )


def share(
    asset: Asset | None,
    asset_id: AssetId,
    *,
    account_id: AccountId,
    right: Right,
    shared_by: AccountId,
) -> Decision:
    """Let somebody of another workspace hear it; another right takes the place of the first.

    Refuses OwnThing (422), SharedWithTooMany, AssetInTrash (409). The right that they have changes
    nothing.
    """
    asset = in_use(asset)
    if account_id in (asset.owner_id, shared_by):
        raise OwnThing
    before = asset.right_of(account_id)
    if before == right:
        return Decision()
    if before is None and len(asset.shared) >= MAX_PEOPLE:
        raise SharedWithTooMany
    return Decision(
        AssetShared(
            asset_id=asset_id,
            workspace_id=asset.workspace_id,
            account_id=account_id,
            right=right,
            shared_by=shared_by,
        ),
        takes=() if before else (shared_claim(asset_id, account_id),),
    )


def unshare(
    asset: Asset | None,
    asset_id: AssetId,
    *,
    account_id: AccountId,
    unshared_by: AccountId | None,
) -> Decision:
    """End it. Refuses NotFound (404) for somebody it is not shared with."""
    asset = existing(asset)
    if asset.right_of(account_id) is None:
        raise NotFound("The grant")
    return Decision(
        AssetUnshared(
            asset_id=asset_id,
            workspace_id=asset.workspace_id,
            account_id=account_id,
            unshared_by=unshared_by,
        ),
        releases=(shared_claim(asset_id, account_id),),
    )


def trash(
    asset: Asset | None, asset_id: AssetId, *, trashed_by: AccountId, now: datetime
) -> Decision:
    """Put it out of sight for thirty days, then it is deleted. Its content claim stays: the same
    bytes take it out again. What is in the trash already stays as long as was said first.
    """
    asset = existing(asset)
    if asset.trash is not None:
        return Decision()
    return Decision(
        AssetTrashed(
            asset_id=asset_id,
            workspace_id=asset.workspace_id,
            trashed_by=trashed_by,
            until=now + KEPT_IN_TRASH,
        )
    )


def restore(asset: Asset | None, asset_id: AssetId, *, restored_by: AccountId) -> Decision:
    """Take it out of the trash, as it was; what is not in it stays as it is."""
    asset = existing(asset)
    if asset.trash is None:
        return Decision()
    return Decision(
        AssetRestored(asset_id=asset_id, workspace_id=asset.workspace_id, restored_by=restored_by)
    )


def empty(asset: Asset | None, asset_id: AssetId, *, until: datetime) -> Decision:
    """Delete what has lain in the trash since it was said to be deleted at `until`. Whatever was
    taken out meanwhile, or is gone, stays as it is.
    """
    if asset is None or asset.trash is None or asset.trash.until != until:
        return Decision()
    return delete(asset, asset_id, deleted_by=asset.trash.trashed_by)


def delete(asset: Asset | None, asset_id: AssetId, *, deleted_by: AccountId) -> Decision:
    """Remove it from the vault and from whoever it is shared with; the same bytes may be uploaded
    again.
    """
    asset = existing(asset)
    # Each hash once, in order: bytes that came back hold a single claim.
    versions = dict.fromkeys((asset.sha256, *(sha256 for sha256, _ in asset.earlier)))
    return Decision(
        AssetDeleted(
            asset_id=asset_id,
            workspace_id=asset.workspace_id,
            deleted_by=deleted_by,
            sha256=asset.sha256,
        ),
        releases=(
            *map(content_claim, versions),
            *(shared_claim(asset_id, account_id) for account_id, _ in asset.shared),
        ),
    )
