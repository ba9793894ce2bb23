"""One visual language: what styles say is a token, and the tokens hold for every reader's eyes."""

from __future__ import annotations

import re
from itertools import product

import pytest

from tests.unit.web.colours import BLINDNESS, contrast, difference, nearest, resolved
from tests.unit.web.stylesheets import WIDTHS, declarations, literals
from web.static_files import FOLDER

TOKENS = FOLDER / "css" / "tokens.css"
SHEETS = sorted(path for path in (FOLDER / "css").rglob("*.css") if path != TOKENS)
SCRIPTS = sorted((FOLDER / "js").rglob("*.js"))
TEMPLATES = sorted((FOLDER.parent / "templates").rglob("*.html"))
# (selector, property) of what may stand for itself, and why.
KEPT = {
    (".unit", "font-size"): "A unit is a share of the figure that it stands behind.",
    (".entrance .pitch h1", "font-size"): "It grows with the window, from one step to another.",
}
# No page shows these yet: charts, movements.
TO_COME = {
    *(f"--chart-{number}" for number in range(1, 9)),
    *("--action-wash", "--playing-wash", "--ok-wash", "--warning-wash", "--motion-move"),
}
MEANINGS = ("action", "playing", "selected", "ok", "warning", "danger", "info")
GROUNDS = ("--bg", "--panel", "--raised", "--sunken")
THEMES = ("light", "dark")
# A script draws with what it reads of these, and writes no colour or size of its own.
DRAWN = re.compile(r"\.(?:fillStyle|strokeStyle|font|color|background\w*) = [\"'`](?!\$\{)\S*")
PAINTED = re.compile(r"\sstyle=|\b(?:fill|stroke|stop-color)=\"(?!none|currentColor)[^\"]*\"")

said = list(declarations(TOKENS.read_text()))
tokens = {
    each.name: each.value.replace("( ", "(")
    for each in said
    if each.name.startswith("--") and not each.around[0].startswith("@media")
}
registered = {
    each.around[0].removeprefix("@property ")
    for each in said
    if each.name == "syntax" and each.value == '"<color>"'
}


def colour(name: str, theme: str) -> str:
    return resolved(tokens, name, theme)


def colours(names: list[str], theme: str) -> dict[str, str]:
    return {name: colour(name, theme) for name in names}


def read_by_scripts() -> set[str]:
    return {name for path in SCRIPTS for name in re.findall(r'"(--[\w-]+)"', path.read_text())}


def used() -> set[str]:
    files = [TOKENS, *SHEETS, *SCRIPTS, *TEMPLATES]
    in_styles = {
        name for path in files for name in re.findall(r"var\((--[\w-]+)", path.read_text())
    }
    return in_styles | read_by_scripts()


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.relative_to(FOLDER).as_posix())
def test_a_style_says_tokens_and_no_literals(path):
    found = {
        f"{each}": literals(each)
        for each in declarations(path.read_text())
        if (each.around[-1], each.name) not in KEPT
    }
    assert {each: kinds for each, kinds in found.items() if kinds} == {}


def test_what_is_excepted_is_there_and_needs_to_be():
    kept = {
        (each.around[-1], each.name)
        for path in SHEETS
        for each in declarations(path.read_text())
        if literals(each)
    }
    assert kept == {*KEPT}


@pytest.mark.parametrize(
    ("declaration", "kind"),
    [
        ("font-size: 15px", "type size"),
        ("font: var(--weight-text) 0.9em/1 var(--font)", "type size"),
        ("font: 500 var(--type-1)/1 var(--font)", "weight"),
        ("font-weight: bold", "weight"),
        ("color: #fff", "colour"),
        ("color: rebeccapurple", "colour"),
        ("border: 1px solid rgb(0 0 0 / 10%)", "colour"),
        ("border-left-color: red", "colour"),
        ("box-shadow: 0 0 2px black", "colour"),
        ("background: light-dark(var(--bg), var(--panel))", "colour"),
        ("border-radius: 3px", "radius"),
        ("border-top-left-radius: 8px", "radius"),
        ("margin: 0 auto 6px", "spacing"),
        ("padding-inline: calc(var(--space-2) + 2px)", "spacing"),
        ("row-gap: 1rem", "spacing"),
        ("inset: auto 0 -5px", "spacing"),
        ("scroll-margin-top: 80px", "spacing"),
        ("z-index: 3", "layer"),
        ("transition: color 200ms var(--ease)", "time"),
        ("animation: x .5s", "time"),
        ("--mine: 1", "token of its own"),
    ],
)
def test_a_literal_is_found(declaration, kind):
    (each,) = declarations(f".part {{ {declaration}; }}")
    assert literals(each) == [kind]


@pytest.mark.parametrize("query", ["(max-width: 700px)", "(min-width: 640px)", "print"])
def test_a_width_that_is_not_on_the_list_is_found(query):
    (each,) = declarations(f"@media {query} {{ .part {{ gap: 0; }} }}")
    assert literals(each) == ["media query"]


def test_the_widths_are_those_that_the_tokens_name():
    *others, last = WIDTHS
    assert len(WIDTHS) <= 4
    assert f"{', '.join(others)} and {last} px" in TOKENS.read_text()


@pytest.mark.parametrize(
    "declaration",
    [
        "border: 1.5px solid var(--line)",
        "border-radius: 50%",
        "margin: -1px auto 0",
        "padding: 0 var(--space-2)",
        "top: calc((1lh - var(--dot)) / 2)",
        "left: calc(-1 * var(--space-9))",
        "background: color-mix(in srgb, var(--bg) 88%, transparent)",
        "font: inherit",
        "text-decoration-color: currentColor",
    ],
)
def test_what_is_no_literal_passes(declaration):
    (each,) = declarations(f"@media (max-width: 640px) {{ .part {{ {declaration} }} }}")
    assert literals(each) == []


@pytest.mark.parametrize(
    ("paths", "literal"), [(SCRIPTS, DRAWN), (TEMPLATES, PAINTED)], ids=["scripts", "templates"]
)
def test_scripts_and_templates_say_no_colour_and_no_size(paths, literal):
    found = {path.name: literal.findall(path.read_text()) for path in paths}
    assert {name: each for name, each in found.items() if each} == {}


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ('pen.fillStyle = "#fff";', DRAWN),
        ('pen.font = "11px sans-serif";', DRAWN),
        ('<p style="margin: 0">', PAINTED),
        ('<rect fill="#c8f24c"/>', PAINTED),
    ],
)
def test_a_literal_in_a_script_or_a_template_is_found(text, literal):
    assert literal.search(text)


def test_every_class_of_a_template_has_a_style_or_a_script():
    """Regression: a list kept a name that its shared part no longer had, and stood there bare."""
    styles = [path.read_text() for path in SHEETS]
    # What scripts look for, and what they give, stands in their strings.
    strings = [
        text for path in SCRIPTS for text in re.findall(r"[\"'`]([^\"'`]+)", path.read_text())
    ]
    known = {name for text in styles for name in re.findall(r"\.([a-z][\w-]*)", text)}
    known |= {name for text in strings for name in re.findall(r"\.([a-z][\w-]*)", text)}
    said = {
        name: path.name
        for path in TEMPLATES
        for classes in re.findall(r'class="([a-z0-9 -]+)"', path.read_text())
        for name in classes.split()
    }
    assert {name: path for name, path in said.items() if name not in known} == {}


def test_every_token_that_is_used_is_declared():
    assert used() - {*tokens} == set()


def test_every_token_is_used_or_meant_for_pages_to_come():
    assert {*tokens} - used() == TO_COME


def test_a_colour_that_a_script_reads_is_registered():
    """An unregistered property answers with the text `light-dark(…)`, which a canvas ignores."""
    assert {name for name in read_by_scripts() if name in colour_tokens()} == registered


def colour_tokens() -> set[str]:
    return {
        name
        for name, value in tokens.items()
        if value.startswith(("#", "light-dark(", "var(", "rgb("))
    }


def test_the_steps_are_few():
    def count(start: str) -> int:
        return sum(name.startswith(start) for name in tokens)

    assert (count("--type-"), count("--space-"), count("--radius-")) == (7, 9, 3)
    assert count("--weight-") <= 4


@pytest.mark.parametrize("theme", THEMES)
def test_every_ink_can_be_read_on_every_ground(theme):
    inks = ["--text", "--muted", *(f"--{meaning}-ink" for meaning in MEANINGS)]
    low = {
        (ink, ground): contrast(colour(ink, theme), colour(ground, theme))
        for ink, ground in product(inks, GROUNDS)
    }
    assert {pair: ratio for pair, ratio in low.items() if ratio < 4.5} == {}


@pytest.mark.parametrize(("theme", "meaning"), product(THEMES, MEANINGS))
def test_text_can_be_read_on_a_wash(theme, meaning):
    wash = colour(f"--{meaning}-wash", theme)
    for ink in ("--text", "--muted", f"--{meaning}-ink"):
        assert contrast(colour(ink, theme), wash) >= 4.5, ink


@pytest.mark.parametrize(
    ("theme", "ink", "fill"),
    [
        (theme, *pair)
        for theme in THEMES
        for pair in (
            ("--on-action", "--action"),
            ("--on-action", "--action-hover"),
            ("--on-playing", "--playing"),
            ("--bg", "--ok-ink"),
        )
    ],
)
def test_what_stands_on_a_fill_can_be_read(theme, ink, fill):
    assert contrast(colour(ink, theme), colour(fill, theme)) >= 4.5


@pytest.mark.parametrize(("theme", "ground"), product(THEMES, ("--bg", "--panel", "--raised")))
def test_the_edge_of_a_field_and_a_waveform_can_be_seen(theme, ground):
    """WCAG 2.2, 1.4.11: what is needed to understand a part has 3 to 1."""
    for mark in ("--line-strong", "--wave", "--figure"):
        assert contrast(colour(mark, theme), colour(ground, theme)) >= 3, mark


@pytest.mark.parametrize("theme", THEMES)
def test_meanings_look_apart(theme):
    assert nearest(colours([f"--{each}-ink" for each in MEANINGS], theme)) > (0.07,)


@pytest.mark.parametrize(("theme", "blindness"), product(THEMES, BLINDNESS))
def test_the_colours_of_a_chart_stay_apart_for_every_eye(theme, blindness):
    """0.02 is about what an eye can just tell when two colours lie side by side."""
    series = colours([f"--chart-{number}" for number in range(1, 9)], theme)
    assert nearest(series, blindness) > (0.1,)


@pytest.mark.parametrize(("theme", "kind"), product(THEMES, ("chart", "project")))
def test_a_series_and_a_projects_colour_can_be_seen_on_the_page(theme, kind):
    for number, ground in product(range(1, 9), ("--bg", "--panel")):
        name = f"--{kind}-{number}"
        assert contrast(colour(name, theme), colour(ground, theme)) >= 3, name


def test_the_simulation_finds_what_the_colour_blind_confuse():
    red, green = "#b0261c", "#4c6400"
    assert difference(red, green) > 2 * difference(red, green, "deuteranopia")
