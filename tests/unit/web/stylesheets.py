"""Style sheets read as declarations, and what a declaration may not say by itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

WIDTHS = ("640", "860", "1080", "1280")
_COMMENT = re.compile(r"/\*[\s\S]*?\*/")
_VAR = re.compile(r"var\(--[\w-]+\)")
_LENGTH = re.compile(r"(?<![\w.])(\d*\.?\d+)(px|rem|em|pt|ch|vw|vh|%)")
_TIME = re.compile(r"(?<![\w.#-])\d*\.?\d+m?s\b")
_COLOUR = re.compile(
    r"#[0-9a-f]{3,8}\b|\b(?:rgba?|hsla?|hwb|lab|lch|oklab|oklch|color|light-dark)\(", re.IGNORECASE
)
_SIDES = r"(-(top|right|bottom|left|block|inline|start|end))*"
_SPACING = re.compile(
    rf"((scroll-)?(margin|padding)|inset){_SIDES}|(row-|column-)?gap|top|right|bottom|left"
)
_RADIUS = re.compile(r"border-([\w-]+-)?radius")
_COLOURED = re.compile(
    rf"color|background(-color|-image)?|border{_SIDES}(-color)?|outline(-color)?|fill|stroke|"
    r"(box|text)-shadow|text-decoration(-color)?|(accent|caret)-color"
)
_NO_COLOUR = frozenset(
    [
        "transparent",
        "currentcolor",
        "inherit",
        "none",
        "in",
        "srgb",
        "color-mix",
        "linear-gradient",
        "calc",
        "inset",
        "solid",
        "dashed",
        "underline",
        "line-through",
        "px",
        "deg",
    ]
)
_MEDIA = re.compile(
    rf"@media \((max-width: ({'|'.join(WIDTHS)})px|prefers-(color-scheme: dark|"
    r"reduced-motion: reduce))\)"
)


@dataclass(frozen=True, slots=True)
class Declaration:
    """`around` holds the at-rules and the selector that it stands in, from the outside."""

    around: tuple[str, ...]
    name: str
    value: str

    def __str__(self) -> str:
        return f"{' '.join(self.around)} {{ {self.name}: {self.value} }}"


def declarations(text: str) -> Iterator[Declaration]:
    around: list[str] = []
    start = 0
    text = _COMMENT.sub("", text)
    for found in re.finditer(r"[{};]", text):
        piece = " ".join(text[start : found.start()].split())
        start = found.end()
        if found[0] == "{":
            around.append(piece)
            continue
        name, colon, value = piece.partition(": ")
        if around and colon:
            yield Declaration(tuple(around), name, value)
        if found[0] == "}":
            around.pop()


def literals(said: Declaration) -> list[str]:
    """Names what should be a token in it: a type size, a weight, a colour, a radius, and so on."""
    bare = _VAR.sub("", said.value.removesuffix(" !important"))
    found = [kind for kind, says in _KINDS.items() if says(said.name, bare)]
    if any(rule.startswith("@media") and not _MEDIA.fullmatch(rule) for rule in said.around):
        found.append("media query")
    return [] if said.around[0] == "@font-face" else found


def _type_size(name: str, bare: str) -> bool:
    return name in ("font", "font-size") and bool(_LENGTH.search(bare))


def _weight(name: str, bare: str) -> bool:
    if name == "font":
        return bool(re.match(r"\s*(\d+(?![\w.])|bold)", bare))
    return name == "font-weight" and bare not in ("", "inherit")


def _colour(name: str, bare: str) -> bool:
    words = re.findall(r"[a-z][a-z-]*", bare.lower()) if _COLOURED.fullmatch(name) else []
    return bool(_COLOUR.search(bare)) or not _NO_COLOUR.issuperset(words)


def _radius(name: str, bare: str) -> bool:
    return bool(_RADIUS.fullmatch(name)) and _long(bare)


def _spacing(name: str, bare: str) -> bool:
    return bool(_SPACING.fullmatch(name)) and _long(bare)


def _layer(name: str, bare: str) -> bool:
    return name == "z-index" and bare != ""


def _time(_: str, bare: str) -> bool:
    return bool(_TIME.search(bare))


def _token(name: str, _: str) -> bool:
    return name.startswith("--")


def _long(bare: str) -> bool:
    """A line of one pixel has no token, and a share of something depends on that thing."""
    return any(
        unit in ("rem", "pt") or (unit == "px" and float(number) > 1)
        for number, unit in _LENGTH.findall(bare)
    )


_KINDS: dict[str, Callable[[str, str], bool]] = {
    "type size": _type_size,
    "weight": _weight,
    "colour": _colour,
    "radius": _radius,
    "spacing": _spacing,
    "layer": _layer,
    "time": _time,
    "token of its own": _token,
}
