"""Rights of keys in plain words, and what several pages of the account say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

TOO_SHORT = "The password needs at least 8 characters."


def allowed(scopes: Iterable[str], known: Mapping[str, str]) -> str:
    """The deeds of these scopes as a list; `known` says each in a musician's words. A scope of a
    newer version is said by its name.
    """
    return ", ".join(known.get(scope, scope.replace("_", " ")) for scope in scopes)
