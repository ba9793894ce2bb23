"""docs/operations.md: what it tells operators to type is what a test types."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.operations import commands, sections

ROOT = Path(__file__).parent.parent.parent
SOURCES = {path: path.read_text() for path in (ROOT / "tests").rglob("test_*.py")}
NAMED = re.compile(r"`(test_\w+)`")


@pytest.mark.parametrize("title", [title for title in sections() if commands(title)])
def test_every_block_is_run_by_a_test(title: str):
    for number in range(len(commands(title))):
        call = re.compile(
            rf'\.does\(\s*"{re.escape(title)}"' + (rf",\s*{number}\b" if number else r"\)")
        )
        assert any(call.search(source) for source in SOURCES.values()), f"block {number}"


@pytest.mark.parametrize(
    "title", [title for title, text in sections().items() if NAMED.search(text)]
)
def test_every_test_that_is_named_is_there(title: str):
    for name in NAMED.findall(sections()[title]):
        assert any(f"def {name}(" in source for source in SOURCES.values()), name
