"""Draws the icons of the installed web client from `web/static/icon.svg`.

    python tools/make_icons.py

The picture is one rounded square and bars along the axes, so that each pixel's share of a shape is
exact and the same input gives the same pixels everywhere.
"""

from __future__ import annotations

import math
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

STATIC = Path(__file__).parent.parent / "web" / "static"
SIDES = {"icons/192.png": 192, "icons/512.png": 512}
# A system cuts its own shape out of this one: the ground goes to the edges. All bars lie within the
# middle circle of four fifths that every shape leaves.
MASKABLE = {"icons/maskable.png": 512}
_STEP = re.compile(r"([MmhHvVz])|(-?\d*\.?\d+)")


@dataclass(frozen=True)
class Drawing:
    """In units of the picture: its side, its corners, and bars as (left, top, right, bottom)."""

    side: float
    radius: float
    ground: tuple[int, int, int]
    ink: tuple[int, int, int]
    bars: tuple[tuple[float, float, float, float], ...]


def read(svg: str) -> Drawing:
    side, radius, ground = _found(
        svg, r'<rect width="(\d+)" height="\1" rx="(\d+)" fill="(#\w+)"/>'
    )
    ink, path = _found(svg, r'<path fill="(#\w+)" d="([^"]+)"/>')
    return Drawing(float(side), float(radius), _rgb(ground), _rgb(ink), tuple(_bars(path)))


def png(drawing: Drawing, pixels: int, *, square: bool = False) -> bytes:
    head = struct.pack(">IIBBBBB", pixels, pixels, 8, 6, 0, 0, 0)
    body = zlib.compress(b"".join(_rows(drawing, pixels, square)), 9)
    chunks = ((b"IHDR", head), (b"IDAT", body), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*each) for each in chunks)


def main() -> None:
    drawing = read((STATIC / "icon.svg").read_text("utf-8"))
    for names, square in ((SIDES, False), (MASKABLE, True)):
        for name, pixels in names.items():
            (STATIC / name).parent.mkdir(exist_ok=True)
            (STATIC / name).write_bytes(png(drawing, pixels, square=square))


def _found(svg: str, pattern: str) -> tuple[str, ...]:
    found = re.search(pattern, svg)
    if found is None:
        raise SystemExit(f"icon.svg has no {pattern}: this tool draws a square and bars")
    return found.groups()


def _rgb(colour: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue


def _bars(path: str) -> Iterator[tuple[float, float, float, float]]:
    """Each closed line of the path, which runs along the axes, as the bar that it is."""
    steps = [command or float(number) for command, number in _STEP.findall(path)]
    x = y = 0.0
    points: list[tuple[float, float]] = []
    while steps:
        match steps.pop(0):
            case "z":
                across, down = zip(*points, strict=True)
                yield min(across), min(down), max(across), max(down)
                x, y = points[0]
                continue
            case "M" | "m" as how:
                dx, dy = steps.pop(0), steps.pop(0)
                x, y = (dx, dy) if how == "M" else (x + dx, y + dy)
                points = []
            case "h":
                x += steps.pop(0)
            case "H":
                x = steps.pop(0)
            case "v":
                y += steps.pop(0)
            case "V":
                y = steps.pop(0)
        points.append((x, y))


def _rows(drawing: Drawing, pixels: int, square: bool) -> Iterator[bytes]:
    unit = drawing.side / pixels
    for row in range(pixels):
        line = bytearray(1)
        top = row * unit
        bars = [bar for bar in drawing.bars if bar[1] < top + unit and bar[3] > top]
        for column in range(pixels):
            left = column * unit
            share = sum(
                _overlap(left, unit, bar[0], bar[2]) * _overlap(top, unit, bar[1], bar[3])
                for bar in bars
            )
            for ground, ink in zip(drawing.ground, drawing.ink, strict=True):
                line.append(round(ground + (ink - ground) * share))
            opaque = 1.0 if square else _inside(drawing, left + unit / 2, top + unit / 2, unit)
            line.append(round(255 * opaque))
        yield bytes(line)


def _overlap(start: float, unit: float, low: float, high: float) -> float:
    """The share of a pixel's side that lies between `low` and `high`."""
    return max(0.0, min(start + unit, high) - max(start, low)) / unit


def _inside(drawing: Drawing, x: float, y: float, unit: float) -> float:
    """The share of a pixel within the rounded square, by how far its middle is from the corner."""
    radius, far = drawing.radius, drawing.side - drawing.radius
    dx, dy = max(radius - x, x - far, 0.0), max(radius - y, y - far, 0.0)
    return min(max((radius - math.hypot(dx, dy)) / unit + 0.5, 0.0), 1.0)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


if __name__ == "__main__":
    main()
