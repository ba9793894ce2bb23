"""Passwords that are guessed first: common ones, patterns, and what is known of their owner."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from itertools import pairwise
from pathlib import Path

from events.errors import NoCultureError

COMMON = Path(__file__).parent / "vendor" / "common_passwords.txt"
OURS = frozenset({"noculture", "nocultureos", "noculture os"})
# Rows of keys as hands run along them; letters and digits in order are told by their numbers.
KEYBOARD_ROWS = (
    *("qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm"),
    *("йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю", "1234567890", "0123456789", "9876543210"),
)
_BETWEEN_WORDS = re.compile(r"[\s._-]+")


class PasswordTooCommon(NoCultureError):
    status, code = 422, "password-too-common"

    def __init__(self, why: str) -> None:
        super().__init__(f"{why}: choose another, a sentence of your own is best")


def refuse_weak(password: str, *theirs: str | None) -> None:
    """Raises PasswordTooCommon (422). `theirs` is what others know of its owner: address, name."""
    said = _plain(password)
    if said in _common() or said in OURS:
        raise PasswordTooCommon("This password is one of the most common ones")
    if _is_pattern(password) or _is_pattern(said):
        raise PasswordTooCommon("This password only repeats itself or runs along the keys")
    if _bare(said) in {_bare(_plain(known)) for known in _names(theirs)}:
        raise PasswordTooCommon("This password is your e-mail address or your name")


@cache
def _common() -> frozenset[str]:
    return frozenset(COMMON.read_text("utf-8").splitlines())


def _plain(text: str) -> str:
    """As it is compared: full-width, upper case and spaces around it make no other password."""
    return unicodedata.normalize("NFKC", text).casefold().strip()


def _is_pattern(said: str) -> bool:
    if _repeats(said):
        return True
    steps = {ord(after) - ord(before) for before, after in pairwise(said)}
    if steps in ({1}, {-1}):
        return True
    return any(said in row or said in row[::-1] for row in KEYBOARD_ROWS)


def _repeats(said: str) -> bool:
    """`aaaaaaaa`, `12121212`, `abcabcab`: one, two or three characters again and again."""
    return any(said == (said[:unit] * len(said))[: len(said)] for unit in (1, 2, 3))


def _names(theirs: tuple[str | None, ...]) -> list[str]:
    """Each as it is, and an address without what follows its @."""
    known = [name for name in theirs if name]
    return known + [name.partition("@")[0] for name in known]


def _bare(text: str) -> str:
    return _BETWEEN_WORDS.sub("", text)
