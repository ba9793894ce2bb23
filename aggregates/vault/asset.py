"""Rules of one asset: uploaded, then verified or rejected; tags may be edited; deleted at last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from aggregates.decision import Decision
from aggregates.errors import AlreadyExists, NotFound
from events.claims import Claim
from events.errors import NoCultureError
from events.ids import AccountId, AssetId, WorkspaceId
from events.model import Event
from events.vault.asset import (
    AssetDeleted,
    AssetFileRewritten,
    AssetProbeRequested,
    AssetRejected,
    AssetTagsEdited,
    AssetUploaded,
    AssetVerified,
)
from events.vault.audio import AudioFacts, Blob, Picture, Tags

STORED_AS = "aggregates.asset"
CONTENT_CLAIM = "asset-content"
NOTHING_SAID = Tags()
# A file can hold these tags; the four others are only overridden by the musician.
FILE_TAGS = Tags.model_fields.keys() - {"energy", "danceability", "valence", "instruments"}
# The tag whose text is shown → the tag that holds its single names, if there are several.
LISTED = {"artist": "artists", "genre": "genres"}
MAX_CREDIT_LENGTH = 500


class AssetNotReady(NoCultureError):
    status, code = 409, "asset-not-ready"

    def __init__(self, state: str) -> None:
        super().__init__(f"The file is {state}: only a verified file can be changed, wait for it")


@dataclass(frozen=True, slots=True)
class Asset:
    """`overrides` holds only what the musician said, `said` what the file says.

    `earlier` are the hash and size of its versions before tags were written into it.
    """

    workspace_id: WorkspaceId
    sha256: str
    owner_id: AccountId
    state: str = "uploaded"
    probe_attempts: int = 1
    overrides: Tags = NOTHING_SAID
    overridden: frozenset[str] = frozenset()
    size_bytes: int = 0
    said: Tags = NOTHING_SAID
    earlier: tuple[tuple[str, int], ...] = ()


def content_claim(sha256: str) -> Claim:
    """One workspace holds the same bytes once: the loser of this claim is a duplicate."""
    return Claim(CONTENT_CLAIM, sha256)


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
    asset = _existing(asset)
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
) -> Decision:
    """Say that the file decodes. A second answer to the same question changes nothing."""
    asset = _existing(asset)
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
        )
    )


def reject(asset: Asset | None, asset_id: AssetId, *, code: str, reason: str) -> Decision:
    """Refuse a file that is no recording. Its content claim stays: the same bytes, the same answer.

    Whoever wants another look deletes it and uploads it again.
    """
    asset = _existing(asset)
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

    Refuses AssetNotReady (409) before the file is verified. Saying the same again changes nothing.
    """
    asset = _existing(asset)
    if asset.state != "verified":
        raise AssetNotReady(asset.state)
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
            edited_by=edited_by,
            changed=changed,
            tags=Tags.model_validate(values),
        )
    )


def with_names(asset: Asset, changes: dict[str, object]) -> dict[str, object]:
    """The changes with what follows from them: another text clears the names that were in it, and
    names make the text that shows them.
    """
    made = dict(changes)
    for shown, listed in LISTED.items():
        before = tag_now(asset, listed)
        names = made.pop(listed, None)
        several: object = None
        if isinstance(names, list | tuple):
            made[shown], several = _credit(made.get(shown), names)
        elif listed not in changes and made.get(shown) == tag_now(asset, shown):
            several = before
        if (shown in made or listed in changes) and several != before:
            made[listed] = several
    return made


def _credit(text: object, given: Iterable[str]) -> tuple[str | None, tuple[str, ...] | None]:
    """The text to show and, where there are several, the names. A text that names them all stays
    as it was written: "Ada & Ben".
    """
    names = tuple(dict.fromkeys(given))
    several = names if len(names) > 1 else None
    if isinstance(text, str) and all(name.casefold() in text.casefold() for name in names):
        return text, several
    return ", ".join(names)[:MAX_CREDIT_LENGTH].rstrip() or None, several


def tag_now(asset: Asset, name: str) -> object:
    """Answers the tag as it is now: the musician's, else the file's."""
    return getattr(asset.overrides if name in asset.overridden else asset.said, name)


def tags_to_write(asset: Asset) -> dict[str, object]:
    """Lists tags that the musician says and the file does not; None is taken out of the file."""
    names = sorted(asset.overridden & FILE_TAGS)
    now = {name: getattr(asset.overrides, name) for name in names}
    return {name: value for name, value in now.items() if value != getattr(asset.said, name)}


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

    Refuses AssetNotReady (409). The bytes that there are already change nothing.
    """
    asset = _existing(asset)
    if asset.state != "verified":
        raise AssetNotReady(asset.state)
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


def delete(asset: Asset | None, asset_id: AssetId, *, deleted_by: AccountId) -> Decision:
    """Remove it from the vault; the same bytes may be uploaded again."""
    asset = _existing(asset)
    # Each hash once, in order: bytes that came back hold a single claim.
    versions = dict.fromkeys((asset.sha256, *(sha256 for sha256, _ in asset.earlier)))
    return Decision(
        AssetDeleted(
            asset_id=asset_id,
            workspace_id=asset.workspace_id,
            deleted_by=deleted_by,
            sha256=asset.sha256,
        ),
        releases=tuple(map(content_claim, versions)),
    )


def evolve(asset: Asset | None, event: Event) -> Asset | None:
    match event:
        case AssetUploaded():
            return Asset(
                event.workspace_id, event.sha256, event.uploaded_by, size_bytes=event.size_bytes
            )
        case _ if asset is None:
            return None
        case AssetProbeRequested():
            return replace(asset, probe_attempts=event.attempt)
        case AssetVerified():
            return replace(asset, state="verified", said=event.tags or NOTHING_SAID)
        case AssetRejected():
            return replace(asset, state="rejected")
        case AssetTagsEdited():
            said = event.tags or NOTHING_SAID
            edited = {name: getattr(said, name) for name in event.changed}
            return replace(
                asset,
                overrides=asset.overrides.model_copy(update=edited),
                overridden=asset.overridden | set(event.changed),
            )
        case AssetFileRewritten():
            return replace(
                asset,
                sha256=event.sha256,
                size_bytes=event.size_bytes,
                said=event.tags or NOTHING_SAID,
                earlier=(*asset.earlier, (asset.sha256, asset.size_bytes)),
            )
        case AssetDeleted():
            return replace(asset, state="deleted")
        case _:
            return asset


def _existing(asset: Asset | None) -> Asset:
    if asset is None or asset.state == "deleted":
        raise NotFound("The asset")
    return asset
