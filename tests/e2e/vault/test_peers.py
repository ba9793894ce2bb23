"""The real libraries of others, in a real browser, against what we do."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import Browser

from tests.fixtures.tag_corpus import GOLDEN, ask_music_metadata, write_tag_corpus


def test_the_saved_answers_are_what_music_metadata_says(browser: Browser, tmp_path: Path):
    page = browser.new_page()
    said = ask_music_metadata(page, write_tag_corpus(tmp_path))
    page.close()
    assert said == json.loads(GOLDEN.read_text())
