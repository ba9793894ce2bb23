"""Assets: recordings in a musician's vault, from the upload to the bin."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from events.access import Grants, Resumes, Revokes, RevokesAll, Suspends
from events.ids import AccountId, AssetId, WorkspaceId
from events.model import Event, Personal
from events.vault.audio import AudioFacts, Blob, Picture, Sha256, Tags

Filename = Annotated[str, StringConstraints(max_length=500)]
SongName = Annotated[str, StringConstraints(min_length=1, max_length=410)]
RelativePath = Annotated[str, StringConstraints(max_length=2000)]
Right = Literal["listen", "comment", "edit"]
Status = Literal["idea", "in-progress", "to-finish", "done", "released"]
Colour = Literal["red", "orange", "yellow", "green", "teal", "blue", "violet", "pink"]


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


class AssetVerified(Event, type="asset.verified", version=3, subject="owner_id"):
    """The file decodes from end to end; `tags` is what the file says of itself.

    `playable`: browsers play it as it is; null where nobody looked. `rendition` is a copy that they
    play where it is not, null where none could be made. `cover_note` says why a picture that the
    file carries is not its cover. `peaks` draw its waveform before it is analysed, null where they
    could not be made.
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
    peaks: Blob | None = None


class AssetRejected(Event, type="asset.rejected", version=1):
    """The file is no recording we can keep; `reason` is for the musician."""

    asset_id: AssetId
    workspace_id: WorkspaceId
    code: str
    reason: str


class AssetTagsEdited(Event, type="asset.tags_edited", version=3, subject="owner_id"):
    """Somebody said otherwise than the file; only the named fields changed, null clears one.

    The tags are the owner's, whoever it was shared with has typed them.
    """

    asset_id: AssetId
    workspace_id: WorkspaceId
    owner_id: AccountId
    edited_by: AccountId
    changed: tuple[str, ...]
    tags: Personal[Tags]


class AssetMarked(Event, type="asset.marked", version=1):
    """The musician marked it for their own work: how far it is, how good, in which colour.

    All three marks as they are from now on: null is none, a rating of 0 is not rated. Marks are the
    workspace's own: people it is shared with do not see them.
    """

    asset_id: AssetId
    workspace_id: WorkspaceId
    marked_by: AccountId
    status: Status | None = None
    rating: int = Field(0, ge=0, le=5)
    colour: Colour | None = None


class AssetArtworkSet(Event, type="asset.artwork_set", version=1):
    """Somebody chose a picture for it, which takes the place of the one that its file carries.

    `picture` and `small` were made anew from what was sent: nothing else of that is kept.
    """

    asset_id: AssetId
    workspace_id: WorkspaceId
    set_by: AccountId
    picture: Blob
    small: Blob
    width: int = Field(gt=0)
    height: int = Field(gt=0)


class AssetArtworkRemoved(Event, type="asset.artwork_removed", version=1):
    """The chosen picture does not stand for it any more; that of its file does, if there is one."""

    asset_id: AssetId
    workspace_id: WorkspaceId
    removed_by: AccountId


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


class AssetShared(
    Event,
    type="asset.shared",
    version=1,
    access=Grants(thing="asset_id", account="account_id", right="right"),
):
    """Somebody of another workspace may hear it, comment on it too, or change its tags as well.

    Shared again with another right, that one counts.
    """

    asset_id: AssetId
    workspace_id: WorkspaceId
    account_id: AccountId
    right: Right
    shared_by: AccountId


class AssetUnshared(
    Event,
    type="asset.unshared",
    version=1,
    access=Revokes(thing="asset_id", account="account_id"),
):
    """The person it was shared with does not hear it any more; what they said of it stays.

    `unshared_by` is null where their account is being erased.
    """

    asset_id: AssetId
    workspace_id: WorkspaceId
    account_id: AccountId
    unshared_by: AccountId | None


class AssetTrashed(Event, type="asset.trashed", version=1, access=Suspends()):
    """The musician put it into the trash: it is out of sight, also of whoever it is shared with,
    and will be deleted at `until` unless somebody takes it out before.
    """

    asset_id: AssetId
    workspace_id: WorkspaceId
    trashed_by: AccountId
    until: datetime


class AssetRestored(Event, type="asset.restored", version=1, access=Resumes()):
    """Somebody took it out of the trash, as it was; uploading the same file does that too."""

    asset_id: AssetId
    workspace_id: WorkspaceId
    restored_by: AccountId


class AssetSongChosen(Event, type="asset.song_chosen", version=1, subject="owner_id"):
    """The musician said which song it is a version of: the tracks of one workspace with the same
    `song` are one song. The id of a track is the song that it is alone, or that others joined;
    null leaves it to what its title and artist say.
    """

    asset_id: AssetId
    workspace_id: WorkspaceId
    owner_id: AccountId
    chosen_by: AccountId
    song: Personal[SongName] = None


class AssetCurrentChosen(Event, type="asset.current_chosen", version=1):
    """The musician said that it is the current version of its song, or that another one takes its
    place. What was said last counts.
    """

    asset_id: AssetId
    workspace_id: WorkspaceId
    chosen_by: AccountId
    current: bool


class AssetDeleted(Event, type="asset.deleted", version=1, access=RevokesAll()):
    """The musician removed it; its content may be uploaded again as a new asset."""

    asset_id: AssetId
    workspace_id: WorkspaceId
    deleted_by: AccountId
    sha256: Sha256


# Marks are the workspace's own; the others tell of versions that nobody else was shown.
OWNERS_ONLY = frozenset({AssetMarked.type, AssetSongChosen.type, AssetCurrentChosen.type})
