"""Modules as few files: what each may rely on stays true."""

from __future__ import annotations

import pytest

from web.bundling import NotBundled, bundles, lean
from web.static_files import STYLES, StaticFiles

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


@pytest.mark.parametrize(
    "module",
    [
        'import { x } from "elsewhere";\n',
        "export default class {}\n",
        'import "./nowhere.js";\n',
        'import "./app.js";\n',
    ],
)
def test_what_it_does_not_understand_is_refused_at_the_start(module: str):
    sources = {"app.js": 'import "./odd.js";\n', "odd.js": module}
    with pytest.raises(NotBundled):
        bundles(sources, {"app.js": ["app.js"]})


def test_the_products_own_bundles_hold_every_style_and_module_of_a_page():
    static = StaticFiles()
    for name in (*STYLES, "bundle/app.js", "bundle/vault/stage.js", "bundle/vault/ab.js"):
        assert static.url(name)


def test_comments_of_their_own_lines_go_and_nothing_else_does():
    code = 'const a = "// no comment"; // stays\n'
    assert lean(f"// gone\n{code}  /** gone\n   * too */\n/* and this */\n{code}") == code * 2


def test_a_comment_before_code_takes_nothing_up_to_the_next_one_with_it():
    text = "/* one */ const a = 1;\n/* two */\nconst b = 2;\n"
    assert lean(text) == "/* one */ const a = 1;\nconst b = 2;\n"
