"""Scripts and styles by areas: an area adds files, and nothing that belongs to all knows of it."""

from __future__ import annotations

import re
from pathlib import Path
from posixpath import dirname, join, normpath

import pytest

from web.static_files import FOLDER, StaticFiles

NAMED = re.compile(r'"(\.[\w./-]+\.(?:js|css))"')
SOURCES = sorted(path for kind in ("js", "css") for path in (FOLDER / kind).rglob("*.*"))
# Shared parts by kind: they belong to all areas, as the root's files do.
PARTS = "parts"
AREAS = {path.parent.name for path in SOURCES} - {"js", "css", PARTS}


def area_of(name: str) -> str:
    """Of a file below static/: empty for what belongs to all areas."""
    return dirname(name).partition("/")[2].removeprefix(PARTS)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(FOLDER).as_posix())
def test_a_file_calls_only_its_own_areas_files_and_those_of_all(path: Path):
    name = path.relative_to(FOLDER).as_posix()
    called = [normpath(join(dirname(name), found)) for found in NAMED.findall(path.read_text())]
    assert {area_of(each) for each in called} <= {"", area_of(name)}


def test_the_areas_are_those_of_the_pages():
    pages = FOLDER.parent / "pages"
    assert AREAS
    assert {area for area in AREAS if not (pages / area).is_dir()} == set()


@pytest.fixture
def shop(tmp_path: Path) -> StaticFiles:
    """A client with one area more, which has a file for each layer."""
    files = {
        **{"js/page.js": "const root = 1;\n", "js/app.js": 'import "./page.js";\n'},
        **{"css/page.css": "p {}\n", "css/app.css": "b {}\n"},
        "js/market/page.js": "const everywhere = 1;\n",
        "js/market/app.js": 'const later = () => import("./booking.js");\n',
        "js/market/booking.js": "export const booked = 1;\n",
        **{"css/market/page.css": "i {}\n", "css/market/app.css": "u {}\n"},
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return StaticFiles(tmp_path)


def served(static: StaticFiles, name: str) -> str:
    return static._files[name].body.decode()


def test_a_new_areas_scripts_run_behind_the_roots_on_the_pages_of_their_layer(shop: StaticFiles):
    ran = {page: served(shop, f"bundle/{page}.js") for page in ("page", "app")}
    kept = {page: re.findall(r'kept\["([^"]+)"\] \?\?=', text) for page, text in ran.items()}
    assert kept["page"] == ["page.js", "market/page.js"]
    assert kept["app"] == ["page.js", "market/page.js", "app.js", "market/app.js"]


def test_what_a_new_area_fetches_later_has_a_bundle_in_its_folder(shop: StaticFiles):
    assert 'import("./market/booking.js")' in served(shop, "bundle/app.js")
    assert shop.url("bundle/market/booking.js")


def test_a_new_areas_styles_win_over_the_roots_of_their_layer(shop: StaticFiles):
    assert served(shop, "bundle/page.css").splitlines() == ["p {}", "i {}"]
    assert served(shop, "bundle/app.css").splitlines() == ["p {}", "i {}", "b {}", "u {}"]
