"""The bytes that belong to an asset: its audio, its waveform, its cover."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath

from events.access import OWN
from gateways.ports.objects import ObjectStore
from kit.caller import Caller
from read_api.errors import NoCover, NotReady, NoWaveform
from read_api.sharing import Sharing
from read_api.vault.archive import Entry, safe_names
from read_api.vault.asset_rows import peaks_of
from read_api.vault.assets import AssetQueries
from read_api.views import Row

# What a browser is told comes from these tables, never from the uploader.
_BY_CODEC = {
    "mp3": "audio/mpeg",
    "mp3float": "audio/mpeg",
    "flac": "audio/flac",
    "vorbis": "audio/ogg",
    "libvorbis": "audio/ogg",
    "opus": "audio/ogg",
    "libopus": "audio/ogg",
    "aac": "audio/mp4",
    "alac": "audio/mp4",
}
# The codec alone does not tell the container; a suffix counts where the codec can have it.
_BY_CODEC_AND_SUFFIX = {
    ("aac", "aac"): "audio/aac",
    ("flac", "oga"): "audio/ogg",
    ("flac", "ogg"): "audio/ogg",
    ("pcm", "aif"): "audio/aiff",
    ("pcm", "aifc"): "audio/aiff",
    ("pcm", "aiff"): "audio/aiff",
    ("pcm", "wav"): "audio/wav",
}
_RENDITION_SUFFIXES = {"audio/mpeg": ".mp3"}
COVER_TYPES = frozenset({"image/jpeg", "image/png", "image/webp"})
SEEN_AS = 16
ReadZoom = Callable[[bytes, int], dict[str, object]]


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A blob of the workspace that the asset belongs to, and how to present it. An address with
    `seen_as` never has another content.
    """

    workspace_id: str
    sha256: str
    size_bytes: int
    media_type: str
    filename: str
    seen_as: str | None = None


@dataclass(frozen=True, slots=True)
class Peaks:
    workspace_id: str
    sha256: str


class AssetMedia:
    """`read_zoom(peaks blob, samples per pixel)` gives audiowaveform JSON, version 2."""

    def __init__(
        self, assets: AssetQueries, store: ObjectStore, read_zoom: ReadZoom, sharing: Sharing
    ) -> None:
        self._assets, self.store, self._read_zoom = assets, store, read_zoom
        self._sharing = sharing

    def pieces(
        self, caller: Caller, asset_id: str, file: MediaFile, start: int, length: int
    ) -> Iterator[bytes]:
        """The file's bytes from `start` on. Somebody else's end where the right to hear them
        ends.
        """
        pieces = self.store.read_range(file.workspace_id, file.sha256, start, length)
        if file.workspace_id == caller.workspace_id:
            return pieces
        return self._sharing.while_allowed(caller, asset_id, "listen", pieces)

    def audio(
        self, caller: Caller, asset_id: str, *, playable: bool = False, original: bool = False
    ) -> MediaFile:
        """The file; with `playable` the copy that browsers play, where there is one.

        With `original` as it was uploaded, before tags were written into it.

        Raises NotVisible (404), RightMissing (403) for the original of somebody else's, NotReady
        (409) for a file that is not known to be a recording.
        """
        row = self._assets.row(caller, asset_id, OWN if original else "listen")
        if row["file_state"] != "verified":
            raise NotReady(row["state"])
        if playable and row.get("rendition_media_type") in _RENDITION_SUFFIXES:
            return _rendition(row)
        before = "original_" if original and row.get("original_sha256") else ""
        return MediaFile(
            row["workspace_id"],
            row[f"{before}sha256"],
            row[f"{before}size_bytes"],
            audio_type(row["codec"], row["filename"]),
            row["filename"],
        )

    def together(self, caller: Caller, asset_ids: Sequence[str]) -> list[Entry]:
        """The caller's own files as entries of one zip, in this order, each once.

        Raises what `row` and `audio` raise of any of them: NotVisible (404), RightMissing (403),
        NotReady (409).
        """
        rows = [self._assets.row(caller, each) for each in dict.fromkeys(asset_ids)]
        for row in rows:
            if row["file_state"] != "verified":
                raise NotReady(row["state"])
        names = safe_names(row["filename"] for row in rows)
        return [
            Entry(name, row["size_bytes"], row["uploaded_at"], partial(self._whole, row))
            for name, row in zip(names, rows, strict=True)
        ]

    def _whole(self, row: Row) -> Iterator[bytes]:
        return self.store.read_range(row["workspace_id"], row["sha256"], 0, row["size_bytes"])

    def peaks(self, caller: Caller, asset_id: str) -> Peaks:
        """The place of its peaks. Raises NotVisible, NoWaveform (404)."""
        row = self._assets.row(caller, asset_id, "listen")
        peaks = peaks_of(row)
        if peaks is None:
            raise NoWaveform(row["state"])
        return Peaks(row["workspace_id"], peaks)

    def waveform(self, peaks: Peaks, zoom: int) -> dict[str, object]:
        """audiowaveform JSON, version 2: the coarsest level of at most `zoom` samples per pixel."""
        return self._read_zoom(self.store.read(peaks.workspace_id, peaks.sha256), zoom)

    def cover(self, caller: Caller, asset_id: str, *, small: bool = False) -> MediaFile:
        """The picture that stands for it, `small` where there is a small one.

        Raises NotVisible, NoCover (404).
        """
        row = self._assets.row(caller, asset_id, "listen")
        if small and row.get("artwork_small_sha256"):
            return MediaFile(
                row["workspace_id"],
                row["artwork_small_sha256"],
                row["artwork_small_size_bytes"],
                row["cover_media_type"],
                "cover-small.jpeg",
                row["cover_sha256"][:SEEN_AS],
            )
        if row["cover_media_type"] not in COVER_TYPES:
            raise NoCover
        return MediaFile(
            row["workspace_id"],
            row["cover_sha256"],
            row["cover_size_bytes"],
            row["cover_media_type"],
            f"cover.{row['cover_media_type'].removeprefix('image/')}",
            row["cover_sha256"][:SEEN_AS],
        )


def _rendition(row: Row) -> MediaFile:
    media_type = row["rendition_media_type"]
    return MediaFile(
        row["workspace_id"],
        row["rendition_sha256"],
        row["rendition_size_bytes"],
        media_type,
        PurePath(row["filename"]).stem + _RENDITION_SUFFIXES[media_type],
    )


def audio_type(codec: str | None, filename: str) -> str:
    """A media type of our own list; `application/octet-stream` for anything else."""
    name, suffix = codec or "", filename.rpartition(".")[2].lower()
    of_codec = _BY_CODEC.get(name, "application/octet-stream")
    if name.startswith("pcm_"):
        name, of_codec = "pcm", "audio/aiff" if name.endswith("be") else "audio/wav"
    return _BY_CODEC_AND_SUFFIX.get((name, suffix), of_codec)
