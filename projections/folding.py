"""How texts are made comparable: for what is stored and for what is asked, in this one place.

`Café – Déjà_Vu.flac` folds to `cafe deja vu flac`. Python does it, not the database: so a fold is
the same under every Postgres and every locale, and a question needs no round trip for it.
"""

from __future__ import annotations

import re
import unicodedata

# Musicians leave these marks out when typing: accents of alphabets, Hebrew points, Arabic harakat,
# variants of emoji. Marks of all other scripts are vowels and stay.
_DROPPED_MARKS = (
    *((0x0300, 0x036F), (0x0483, 0x0489), (0x0591, 0x05C7), (0x0610, 0x061A), (0x064B, 0x065F)),
    *((0x0670, 0x0670), (0x06D6, 0x06ED), (0x08D3, 0x08FF), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF)),
    *((0x20D0, 0x20FF), (0xFE00, 0xFE0F), (0xFE20, 0xFE2F), (0xE0100, 0xE01EF)),
)
# Letters that no normal form takes apart, and the Arabic stroke that only stretches a word.
_ALSO = {
    **{"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ħ": "h"},
    **{"ŧ": "t", "ŋ": "n", "ı": "i", "ĸ": "q", "ƒ": "f", "ɨ": "i", "ʉ": "u", "ɓ": "b"},
    **{"&": " and ", "ـ": ""},
}
_SHARP = re.compile(r"(?<![^\W_])([a-g])(?:[#\u266f]|(\u266d))")
# Digits are a word of their own, so that `140bpm` and `140 bpm` are the same.
_WORDS = re.compile(r"[0-9]+|[^0-9 ]+")
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_ENDING = re.compile(r"\.[^\W_]{1,5}$")
# A key of a text index holds 2.7 kB at most.
SORTED_BY = 300


class _Letters(dict[int, str]):
    """A table for str.translate: each character's fold is computed when it is first met."""

    def __missing__(self, code: int) -> str:
        self[code] = found = _letter(chr(code))
        return found


def _letter(char: str) -> str:
    if char in _ALSO:
        return _ALSO[char]
    category, code = unicodedata.category(char), ord(char)
    if category == "Nd":
        return str(unicodedata.decimal(char))
    if category in ("Cf", "Me") or any(low <= code <= high for low, high in _DROPPED_MARKS):
        return ""
    return char if char.isalnum() or category[0] == "M" else " "


_LETTERS = _Letters()


def fold(text: str) -> str:
    """Words in small letters without accents, one space between them; digits are ASCII.

    A text of nothing but signs (`!!!`, `÷`, an emoji) folds to itself.
    """
    plain = text.lower() if text.isascii() else _plain(text)
    if "#" in plain or not plain.isascii():
        plain = _SHARP.sub(_accidental, plain)
    words = " ".join(_WORDS.findall(unicodedata.normalize("NFC", plain.translate(_LETTERS))))
    return words or signs(text)


def signs(text: str) -> str:
    """All of a text in one spelling, its signs too; an emoji without what chooses its picture."""
    words = " ".join(unicodedata.normalize("NFKC", _plain(text)).split())
    return words.replace("\ufe0f", "") or words


def has_words(text: str) -> bool:
    """Whether a fold is more than signs."""
    return any(char.isalnum() for char in text)


def lines(text: str | None, *, file: bool = False) -> str | None:
    """The folds by which a text is found, one a line: as it is, and with the words of glued ones
    apart (`CapDan` is `cap dan` too); of a `file` also without its ending."""
    if text is None:
        return None
    said = [text, _ENDING.sub("", text)] if file else [text]
    forms = dict.fromkeys(form for each in said for form in (each, _apart(each)))
    return "\n".join(filter(None, dict.fromkeys(map(fold, forms))))


def sort_key(text: str | None) -> str | None:
    """Puts `Take 2` before `Take 10`: before each number stands how many digits it has."""
    if text is None:
        return None
    words = fold(text)[:SORTED_BY].split(" ")
    return " ".join(_number(word) if word.isdecimal() else word for word in words)


def _number(digits: str) -> str:
    plain = digits.lstrip("0") or "0"
    return f"{len(plain):03}{plain}"


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())


def _accidental(found: re.Match[str]) -> str:
    return f"{found[1]} {'flat' if found[2] else 'sharp'} "


def _apart(text: str) -> str:
    """Words that begin with a capital inside a word, each for itself."""
    if text.isascii():
        return _CAPITAL.sub(" ", text)
    text = unicodedata.normalize("NFC", text)
    cut = []
    for before, char, after in zip(f" {text}", text, f"{text[1:]} ", strict=False):
        if char.isupper() and (before.islower() or (before.isupper() and after.islower())):
            cut.append(" ")
        cut.append(char)
    return "".join(cut)
