"""What the eye makes of a colour: contrast, difference, and both without one kind of cone."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from itertools import combinations

Linear = tuple[float, float, float]

_HEX = re.compile(r"#[0-9a-f]{6}")
_LIGHT_DARK = re.compile(r"light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)")
_VAR = re.compile(r"var\((--[\w-]+)\)")

# Linear sRGB as people see it who lack one kind of cone: Machado, Oliveira and Fernandes, "A
# Physiologically-based Model for Simulation of Color Vision Deficiency" (IEEE TVCG 15, 2009),
# severity 1.0.
BLINDNESS: dict[str, tuple[Linear, Linear, Linear]] = {
    "none": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def resolved(tokens: Mapping[str, str], name: str, theme: str) -> str:
    """The colour of a token as #rrggbb in the theme `light` or `dark`."""
    value = tokens[name]
    if named := _VAR.fullmatch(value):
        return resolved(tokens, named[1], theme)
    if both := _LIGHT_DARK.fullmatch(value):
        return both[1 if theme == "light" else 2]
    assert _HEX.fullmatch(value), f"{name} is {value}"
    return value


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2.2, 1 to 21."""
    dark, light = sorted(_luminance(colour) for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)


def difference(one: str, other: str, blindness: str = "none") -> float:
    """How far apart two colours look: 0 for the same, 1 for black and white (distance in OKLab)."""
    return math.dist(*(_oklab(_seen(_linear(colour), blindness)) for colour in (one, other)))


def nearest(colours: Mapping[str, str], blindness: str = "none") -> tuple[float, str, str]:
    """The two of them that look most alike, and how far apart they are."""
    return min(
        (difference(colours[one], colours[other], blindness), one, other)
        for one, other in combinations(colours, 2)
    )


def _linear(colour: str) -> Linear:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return _straight(red), _straight(green), _straight(blue)


def _straight(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _luminance(colour: str) -> float:
    red, green, blue = _linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _seen(colour: Linear, blindness: str) -> Linear:
    red, green, blue = (
        min(max(sum(part * value for part, value in zip(row, colour, strict=True)), 0.0), 1.0)
        for row in BLINDNESS[blindness]
    )
    return red, green, blue


def _oklab(colour: Linear) -> Linear:
    """OKLab of Björn Ottosson (2020): equal distances in it look equal."""
    red, green, blue = colour
    long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    middle = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )
