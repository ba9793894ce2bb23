"""Changed tags as files spell them, whatever the format."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateways.audio.facts import FileTags, joined

Changes = dict[str, Any]  # by the name of the field; None takes it out
_LISTS = {"artist": "artists", "genre": "genres"}


@dataclass(frozen=True, slots=True)
class Value:
    """One field's new texts; without any the field is taken out. `listed` are the names in a credit
    that is more than their list: "Ada & Ben".
    """

    texts: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """Joins the texts into one, for a format or a page that holds only one."""
        return joined(self.texts) or "" if len(self.texts) > 1 else "".join(self.texts)


Written = Mapping[str, Value]


def written(changes: Changes, said: FileTags) -> Written:
    """By the name of the field; lists are written with the field that shows them."""
    values = {name: _plain(value) for name, value in changes.items() if name not in _LISTS.values()}
    for shown, listed in _LISTS.items():
        if shown in changes or listed in changes:
            names = tuple(changes.get(listed) or ())
            values[shown] = _names(changes.get(shown, getattr(said, shown)), names)
    return values


def _plain(value: Any) -> Value:
    if value is None:
        return Value()
    return Value((f"{value:g}" if isinstance(value, float) else str(value),))


def _names(credit: str | None, names: tuple[str, ...]) -> Value:
    if not names:
        return Value((credit,) if credit else ())
    if credit in (None, joined(names)):
        return Value(names)
    return Value((credit,), names if len(names) > 1 else ())


def own_keys(table: Mapping[str, tuple[str, ...]], name: str) -> list[str]:
    """Where a format keeps a field, less what is another field's before it is this one's."""

    def is_own(key: str, rank: int) -> bool:
        others = (keys for other, keys in table.items() if other != name and key in keys)
        return all(keys.index(key) >= rank for keys in others)

    return [key for rank, key in enumerate(table[name]) if is_own(key, rank)]


def with_total(name: str, text: str, before: str) -> str:
    """Keeps the nine of "3/9" where only the number changes."""
    total = re.fullmatch(r"\d+(/\d+)", before) if name in ("track", "disc") else None
    return f"{text}{total[1]}" if total else text
