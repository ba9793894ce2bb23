"""Modules as few files: what each may rely on stays true."""

from __future__ import annotations

import pytest

from web.bundling import NotBundled, bundles, lean, sheet
from web.static_files import PAGES, StaticFiles

TEXT = "export function clock() { return 1; }\nexport const MOST = 2;\n"
PLAYER = 'import { clock as read } from "./text.js";\nexport class Player { time = read(); }\n'
APP = 'import "./player.js";\nconst later = () => import("./stage.js");\n'
STAGE = (
    'import { Player } from "./player.js";\nimport { Axis } from "./axis.js";\nexport { Axis };\n'
)
MODULES = {
    "text.js": TEXT,
    "player.js": PLAYER,
    "app.js": APP,
    "stage.js": STAGE,
    "axis.js": "export class Axis {}\n",
}


def test_a_module_stands_behind_what_it_imports():
    app = bundles(MODULES, {"app.js": ["app.js"]})["app.js"]
    places = [app.index(f'kept["{name}"] ??=') for name in ("text.js", "player.js", "app.js")]
    assert places == sorted(places)
    assert 'const { clock: read } = kept["text.js"];' in app


def test_what_comes_later_brings_only_what_the_page_has_not():
    made = bundles(MODULES, {"app.js": ["app.js"]})
    assert set(made) == {"app.js", "stage.js"}
    assert 'kept["axis.js"] ??=' in made["stage.js"]
    assert 'kept["player.js"] ??=' not in made["stage.js"]
    assert made["stage.js"].endswith('export const { Axis } = kept["stage.js"];\n')


def test_a_name_that_its_module_does_not_export_is_refused():
    """It was found by whoever pressed Delete: `fetchInto is not a function`."""
    moved = {**MODULES, "text.js": "export const MOST = 2;\n"}
    with pytest.raises(NotBundled, match=r"player\.js .* does not export clock"):
        bundles(moved, {"app.js": ["app.js"]})


def test_what_an_area_fetches_later_is_found_from_the_bundle_that_it_runs_in():
    sources = {
        "app.js": "",
        "vault/app.js": 'const act = () => [import("./bulk.js"), import("../toasts.js")];\n',
        "vault/bulk.js": 'import { Axis } from "../axis.js";\nconst more = import("./more.js");\n',
        **{"vault/more.js": "", "toasts.js": "", "axis.js": "export class Axis {}\n"},
    }
    made = bundles(sources, {"app.js": ["app.js", "vault/app.js"]})
    assert 'import("./vault/bulk.js")' in made["app.js"]
    assert 'import("./toasts.js")' in made["app.js"]
    assert 'const { Axis } = kept["axis.js"];' in made["vault/bulk.js"]
    assert 'import("./more.js")' in made["vault/bulk.js"]


def test_what_two_pages_fetch_later_holds_what_one_of_them_has_not():
    sources = {**MODULES, "page.js": 'const later = () => import("./stage.js");\n'}
    made = bundles(sources, {"page.js": ["page.js"], "app.js": ["page.js", "app.js"]})
    assert 'kept["player.js"] ??=' in made["app.js"]
    assert 'kept["player.js"] ??=' in made["stage.js"]


@pytest.mark.parametrize(
    "module",
    [
        'import { x } from "elsewhere";\n',
        "export default class {}\n",
        'import "./nowhere.js";\n',
        'import "./app.js";\n',
        "let kept = true;\n",
    ],
)
def test_what_it_does_not_understand_is_refused_at_the_start(module: str):
    sources = {"app.js": 'import "./odd.js";\n', "odd.js": module}
    with pytest.raises(NotBundled):
        bundles(sources, {"app.js": ["app.js"]})


def test_a_style_sheet_holds_those_that_it_imports_in_their_order():
    sources = {
        "vault/app.css": '/* all */\n@import "./list.css";\n@import "../parts.css";\nb {}\n',
        "vault/list.css": "li {\n  gap: 0;\n}\n",
        "parts.css": "p {}\n",
    }
    assert sheet(sources, "vault/app.css").splitlines() == ["li {", "gap: 0;", "}", "p {}", "b {}"]


def test_a_style_sheet_that_is_not_there_is_refused_at_the_start():
    with pytest.raises(NotBundled):
        sheet({"app.css": '@import "./nowhere.css";\n'}, "app.css")


def test_the_products_own_bundles_hold_every_style_and_module_of_a_page():
    static = StaticFiles()
    pages = [f"{page}.{suffix}" for page in PAGES for suffix in ("js", "css")]
    for name in (*pages, "vault/stage.js", "vault/ab.js", "account/passkeys.js"):
        assert static.url(f"bundle/{name}")


def test_comments_of_their_own_lines_go_and_nothing_else_does():
    code = 'const a = "// no comment"; // stays\n'
    assert lean(f"// gone\n{code}  /** gone\n   * too */\n/* and this */\n{code}") == code * 2


def test_a_comment_before_code_takes_nothing_up_to_the_next_one_with_it():
    text = "/* one */ const a = 1;\n/* two */\nconst b = 2;\n"
    assert lean(text) == "/* one */ const a = 1;\nconst b = 2;\n"
