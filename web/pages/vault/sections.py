"""The vault's entries: one section and what is below it."""

from web.sections import Section

_PARTS = (
    Section(name="Tracks", path="/vault", icon="tracks", pages=("vault", "asset_page")),
    Section(name="Collections", path="/collections", icon="stack", pages=("collections",)),
    Section(name="Shared with me", path="/shared", icon="people", pages=("shared",)),
    Section(name="Trash", path="/trash", icon="bin", pages=("trash",)),
)
SECTIONS = (Section(name="Music", path="/vault", icon="music", order=20, parts=_PARTS),)
