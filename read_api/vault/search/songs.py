"""Songs of a workspace: their versions, the current one first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kit.caller import Caller
from read_api.views import Row, Views
from schemas.vault.found import SongDto, VersionDto

# At most so many versions of a song are told; all are counted.
MOST = 20
# The row of a song in a list of everything: one look into an index for each row that is passed.
IS_CURRENT = (
    "version_rank = (SELECT max(other.version_rank) FROM views.vault AS other"
    " WHERE other.workspace_id = %(workspace_id)s AND other.song = vault.song)"
)
_TOLD = """asset_id, version, version_kind, duration_s, loudness_lufs,
        tag_title, name_title, filename"""
_VERSIONS = f"""
SELECT wanted.song, versions.* FROM unnest(%(songs)s::text[]) AS wanted (song), LATERAL (
    SELECT {_TOLD}, count(*) OVER () AS of_all
    FROM views.vault AS vault WHERE workspace_id = %(workspace_id)s AND vault.song = wanted.song
    ORDER BY version_rank DESC LIMIT {MOST}) AS versions
"""
_FOUND = f"""
SELECT {_TOLD}, song FROM views.vault
WHERE workspace_id = %(workspace_id)s AND asset_id = ANY(%(ids)s)
"""
# A view of an earlier version, read until the new one is built, knows no songs.
_READY = """
SELECT count(*) > 0 AS ready FROM pg_attribute
WHERE attrelid = 'views.vault'::regclass AND attname = 'song'
"""
_SAID = {
    "instrumental": "Instrumental of",
    "a cappella": "A cappella of",
    "remix": "Remix of",
    "demo": "Demo of",
    "master": "Master of",
    "radio edit": "Radio edit of",
    "extended": "Extended version of",
    **{kind: f"{kind.capitalize()} version of" for kind in ("live", "acoustic", "clean")},
    "explicit": "Explicit version of",
}


class Songs:
    def __init__(self, views: Views) -> None:
        self._views, self._ready = views, False

    def ready(self) -> bool:
        """Whether the view that is read knows songs; once it does, it is not asked again."""
        self._ready = self._ready or bool(self._views.rows(_READY, {})[0]["ready"])
        return self._ready

    def of(self, caller: Caller, song: str) -> SongDto:
        found = self._versions(caller, [song])
        return found.get(song) or SongDto(song=song, count=0, versions=[])

    def around(self, caller: Caller, asset_ids: Sequence[str]) -> dict[str, SongDto]:
        """The song of each of the caller's own assets, with the asset as its `hit` where another
        version is the current one.
        """
        asked = {"workspace_id": caller.workspace_id, "ids": list(asset_ids)}
        rows = self._views.rows(_FOUND, asked)
        songs = self._versions(caller, {row["song"] for row in rows})
        return {
            row["asset_id"]: _with_hit(songs[row["song"]], row)
            for row in rows
            if row["song"] in songs
        }

    def _versions(self, caller: Caller, songs: Iterable[str]) -> dict[str, SongDto]:
        asked = {"workspace_id": caller.workspace_id, "songs": sorted(songs)}
        found: dict[str, SongDto] = {}
        for row in self._views.rows(_VERSIONS, asked):
            song = found.get(row["song"])
            if song is None:
                count = row["of_all"]
                song = found[row["song"]] = SongDto(song=row["song"], count=count, versions=[])
            song.versions.append(_version(row, current=not song.versions))
        return found


def _with_hit(song: SongDto, row: Row) -> SongDto:
    if song.versions[0].id == row["asset_id"]:
        return song
    return song.model_copy(update={"hit": _version(row, current=False)})


def _version(row: Row, *, current: bool) -> VersionDto:
    kind = row["version_kind"]
    return VersionDto(
        id=row["asset_id"],
        version=row["version"],
        title=row["tag_title"] or row["name_title"] or _without_ending(row["filename"]),
        kind=kind,
        relation="Current version" if current else _SAID.get(kind, "Version of"),
        current=current,
        duration_s=row["duration_s"],
        loudness_lufs=row["loudness_lufs"],
    )


def _without_ending(filename: str) -> str:
    return filename.rpartition(".")[0] or filename
