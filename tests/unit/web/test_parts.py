"""The shared parts: each is told of in the document and shown on the page of samples."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from tests.fixtures.parts import KINDS, all_macros, macros
from web.pages.system.components import DOCUMENT, text_of, uses
from web.render import TEMPLATES

SAMPLES = TEMPLATES / "system" / "components.html"


def called(source: str) -> set[str]:
    calls = Environment().parse(source).find_all(nodes.Call)
    return {call.node.name for call in calls if isinstance(call.node, nodes.Name)}


@pytest.mark.parametrize("path", KINDS, ids=lambda path: path.stem)
def test_every_part_is_on_the_page_of_samples(path: Path):
    assert macros(path.read_text()) - called(SAMPLES.read_text()) == set()


def test_a_part_that_is_not_shown_is_found():
    parts = "{% macro shown() %}{% endmacro %}{% macro forgotten() %}{% endmacro %}"
    assert macros(parts) - called("{{ shown() }} {# forgotten() #}") == {"forgotten"}


def test_every_sample_stands_under_the_names_of_what_it_shows():
    """`sample("menu", "menu_link")`: the page quotes the document by these names."""
    named = re.findall(r"{% call sample\(([^)]*)\) %}", SAMPLES.read_text())
    assert {name for names in named for name in re.findall(r'"(\w+)"', names)} == all_macros()


def test_a_program_without_its_documents_starts():
    """A release of the program alone did not: its API ended while it read them."""
    assert uses(text_of(DOCUMENT.with_name("not-there.md"))) == {}


def test_the_document_tells_of_every_part_and_of_no_other():
    told = uses(DOCUMENT.read_text())
    others = {*told} - all_macros()
    assert all_macros() - {*told} == set()
    assert others == set()


def test_a_row_of_the_document_is_read_without_its_marks():
    rows = "| part | made by | when |\n|---|---|---|\n| tip | `tip(…)` | Around a `round` one |\n"
    assert uses(rows) == {"tip": "Around a round one"}
    assert uses("| list of cards | `ul.card-list` | Things to open |\n") == {}
