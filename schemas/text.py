"""Text that comes in: one way to clean, refuse and bound it, whatever door it takes.

A field or a parameter says `Annotated[str, Text(200)]`; a bare `str` in a command model or a route
fails tests/unit/schemas/test_every_text.py.

| what it is | type | what happens to it |
|---|---|---|
| what people say and others read | `Text` | cleaned; what cannot be cleaned is refused |
| secrets, cursors, what a form sent | `Opaque` | kept as it is, or refused |
| an id in an address | `Ref` | kept, or it names nothing (404) |
| what programs say of their work | `Told` | cleaned and cut, never refused |
| a document of another standard | `Document` | kept as it is, or refused |

Postgres stores no U+0000 and UTF-8 has no lone surrogates, so neither ever gets further than this.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic_core import CoreSchema, PydanticCustomError, PydanticKnownError, core_schema

UNKEPT = "text_character"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
MAX_ID, NO_ID = 200, "-"
# The server takes longer lines of headers than this, but no honest header is longer.
MAX_HEADER = 8_000
# A text may be this much longer before it is cleaned: decomposed Vietnamese is three times as long.
# A longer one is not normalised, because that takes quadratic time in a run of combining marks.
SLACK, SLACK_CHARACTERS = 4, 100

# The line breaks of all systems; in one line they are spaces.
_BREAKS = re.compile("\r\n|[\n\v\f\r\x85\u2028\u2029]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# The unstorable ones, and all of C0 and C1 but for tab and line breaks.
_UNKEPT = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
# Embeddings, overrides and isolates make a name read otherwise than it is written, also the text
# around it; deprecated format characters, annotations and byte order marks show nothing. Joiners
# stay, for Persian, Indic scripts and emoji need them, and so do the marks LRM, RLM and ALM: they
# move only the punctuation beside them.
_MISLEADING = re.compile("[\u202a-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb]")
# Unicode calls these letters, and everybody sees a blank: Hangul fillers, the empty Braille cell.
_BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_DESCRIBED = (("minLength", "min"), ("maxLength", "max"))
_UNSEEN = frozenset(("Cc", "Cf", "Cn", "Co", "Cs", "Zs", "Zl", "Zp"))


class Incoming:
    """The part of a type that pydantic asks; `read` is given every string before anything else."""

    def read(self, text: str) -> str:
        raise NotImplementedError

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._given, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        bounds = {name: getattr(self, field) for name, field in _DESCRIBED if hasattr(self, field)}
        return {**handler(schema), **{name: bound for name, bound in bounds.items() if bound}}

    def _given(self, value: Any) -> Any:
        return self.read(value) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Text(Incoming):
    """A line, or `lines`, of up to `max` characters, counted once they are clean.

    Composed (NFC) and trimmed; what turns the direction of reading is taken out. Control
    characters and lone surrogates are refused: who sends them means something that we cannot keep.
    """

    max: int
    lines: bool = False
    min: int = 1

    def read(self, text: str) -> str:
        if len(text) > SLACK * self.max + SLACK_CHARACTERS:
            raise _too_long(self.max)
        if not (text.isascii() and text.isprintable()):
            text = self._clean(text)
        text = text.strip()
        if len(text) < self.min or (self.min and not _is_seen(text)):
            raise PydanticKnownError("string_too_short", {"min_length": self.min})
        if len(text) > self.max:
            raise _too_long(self.max)
        return text

    def _clean(self, text: str) -> str:
        _refuse(_UNKEPT, text)
        text = _BREAKS.sub("\n", text) if self.lines else _BREAKS.sub(" ", text).replace("\t", " ")
        return unicodedata.normalize("NFC", _MISLEADING.sub("", text))


@dataclass(frozen=True, slots=True)
class Opaque(Incoming):
    """Up to `max` characters that are compared or taken apart, not shown: nothing is changed."""

    max: int
    min: int = 0

    def read(self, text: str) -> str:
        if len(text) > self.max:
            raise _too_long(self.max)
        if len(text) < self.min:
            raise PydanticKnownError("string_too_short", {"min_length": self.min})
        _refuse(_UNSTORABLE, text)
        return text


@dataclass(frozen=True, slots=True)
class Told(Incoming):
    """A program's words: replaced where they cannot be stored, cut where they are too long."""

    max: int

    def read(self, text: str) -> str:
        return told(text, self.max)


@dataclass(frozen=True, slots=True)
class Reference(Incoming):
    """Text that cannot be an id names nothing: whoever looks it up answers as for an unknown one.

    A 422 would tell nobody more than the 404 does.
    """

    def read(self, text: str) -> str:
        return text if len(text) <= MAX_ID and text.isascii() and text.isprintable() else NO_ID


@dataclass(frozen=True, slots=True)
class Document:
    """JSON with up to `max` characters of text, keys included, to be read by a library."""

    max: int

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        # Checked after pydantic, which has refused JSON that is too deep by then.
        return core_schema.no_info_after_validator_function(self._given, handler(source))

    def _given(self, value: Any) -> Any:
        texts = list(_texts(value))
        if sum(map(len, texts)) > self.max:
            raise _too_long(self.max)
        for text in texts:
            _refuse(_UNSTORABLE, text)
        return value


Ref = Annotated[str, Reference()]
Cursor = Annotated[str, Opaque(2_000)]
HeaderText = Annotated[str, Opaque(MAX_HEADER)]


def told(text: str, max: int) -> str:
    """One line of what a program says, at most `max` characters, fit to be stored and shown."""
    line = _BREAKS.sub(" ", text[: SLACK * max])
    return _UNKEPT.sub(REPLACEMENT, line.replace("\t", " ")).strip()[:max]


def storable(value: Any) -> Any:
    """The same text, or JSON, with U+FFFD where Postgres would refuse a character."""
    match value:
        case str():
            return _UNSTORABLE.sub(REPLACEMENT, value)
        case dict():
            return {storable(key): storable(each) for key, each in value.items()}
        case list() | tuple():
            return [storable(each) for each in value]
    return value


def refusal(error: ValueError) -> str | None:
    """Tells a person why their text cannot be kept; None if that is not what is wrong."""
    if not isinstance(error, ValidationError):
        return None
    for found in error.errors(include_url=False, include_context=False, include_input=False):
        if found["type"] == UNKEPT:
            return f"{found['msg']}."
    return None


def _is_seen(text: str) -> bool:
    return text.isascii() or any(
        character not in _BLANK_LETTERS and unicodedata.category(character) not in _UNSEEN
        for character in text
    )


def _refuse(pattern: re.Pattern[str], text: str) -> None:
    if found := pattern.search(text):
        raise PydanticCustomError(
            UNKEPT,
            "There is a character in it that cannot be kept ({character}): take it out",
            {"character": f"U+{ord(found[0]):04X}"},
        )


def _too_long(max: int) -> PydanticKnownError:
    return PydanticKnownError("string_too_long", {"max_length": max})


def _texts(value: Any) -> list[str]:
    match value:
        case str():
            return [value]
        case dict():
            return [*value, *(text for each in value.values() for text in _texts(each))]
        case list():
            return [text for each in value for text in _texts(each)]
    return []
