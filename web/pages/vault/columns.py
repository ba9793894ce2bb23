"""The columns of the list: which there are, and which a browser wants; its cookie is kept by
js/vault/filters.js.
"""

from __future__ import annotations

from fastapi import Request

COLUMNS = {
    "wave": "Waveform",
    "genre": "Genre",
    "bpm": "BPM",
    "key": "Key",
    "lufs": "LUFS",
    "energy": "Energy",
    "length": "Length",
    "uploaded": "Uploaded",
    "state": "State",
}
# The order of a column's head, and what the address calls it.
SORTED = {"title": "title", "bpm": "tempo", "length": "duration", "uploaded": "uploaded_at"}
HIDDEN_AT_FIRST = ("energy", "uploaded")
COOKIE = "noculture_hidden"


def hidden(request: Request) -> list[str]:
    """The columns that this browser does not show."""
    said = request.cookies.get(COOKIE)
    names = HIDDEN_AT_FIRST if said is None else said.split(".")
    return [name for name in COLUMNS if name in names]


def turned(sort: str, column: str) -> str:
    """The order that a column's head leads to: ascending, descending, then the list's own."""
    order = SORTED[column]
    return {order: f"-{order}", f"-{order}": ""}.get(sort, order)


def direction(sort: str, column: str) -> str:
    """The value of aria-sort of a column's head."""
    order = SORTED[column]
    return {order: "ascending", f"-{order}": "descending"}.get(sort, "none")
