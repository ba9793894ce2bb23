"""The installed client: its manifest, its icons, the colours around it."""

from __future__ import annotations

import json
import struct
import zlib

import pytest

from tests.unit.web.colours import resolved
from tests.unit.web.test_tokens import tokens
from tools import make_icons
from web.render import GROUNDS
from web.static_files import FOLDER, StaticFiles

MANIFEST = json.loads((FOLDER / "manifest.webmanifest").read_text())


def pixels(png: bytes) -> tuple[tuple[int, int], bytes]:
    """(size, rows) of a PNG as the tool writes it: one block, no filter."""
    size = struct.unpack(">II", png[16:24])
    (length,) = struct.unpack(">I", png[33:37])
    return size, zlib.decompress(png[41 : 41 + length])


def test_each_icon_is_there_in_the_size_that_the_manifest_says():
    static = StaticFiles()
    for icon in MANIFEST["icons"]:
        assert static.url(icon["src"])
        if icon["type"] == "image/png":
            size, _ = pixels((FOLDER / icon["src"]).read_bytes())
            assert icon["sizes"] == "{}x{}".format(*size)
    assert {"192x192", "512x512"} <= {icon["sizes"] for icon in MANIFEST["icons"]}
    assert "maskable" in {icon.get("purpose") for icon in MANIFEST["icons"]}


@pytest.mark.parametrize(
    ("name", "square"), [("icons/192.png", False), ("icons/maskable.png", True)]
)
def test_the_icons_are_drawn_from_the_svg(name: str, square: bool):
    drawing = make_icons.read((FOLDER / "icon.svg").read_text())
    side = {**make_icons.SIDES, **make_icons.MASKABLE}[name]
    drawn = make_icons.png(drawing, side, square=square)
    assert pixels((FOLDER / name).read_bytes()) == pixels(drawn)


def test_every_shape_that_a_system_cuts_out_leaves_the_bars():
    drawing = make_icons.read((FOLDER / "icon.svg").read_text())
    middle, safe = drawing.side / 2, drawing.side * 0.4
    corners = [
        (x, y) for left, top, right, low in drawing.bars for x in (left, right) for y in (top, low)
    ]
    assert len(drawing.bars) == 5
    assert max((x - middle) ** 2 + (y - middle) ** 2 for x, y in corners) < safe**2


def test_what_a_system_draws_around_the_page_has_the_pages_colour():
    assert {theme: resolved(tokens, "--bg", theme) for theme in GROUNDS} == GROUNDS
    assert MANIFEST["background_color"] == MANIFEST["theme_color"] == GROUNDS["dark"]
