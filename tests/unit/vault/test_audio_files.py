"""What the page, the importer and the probe take for a recording by its name is said once."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateways.audio.decode import DEMUXERS
from runtime.demo_music.files import ENCODINGS
from runtime.importer import NO_AUDIO
from schemas.audio.files import ACCEPTED, CONTAINERS, ENDINGS, NOT_AUDIO
from web.pages.vault.words import in_templates
from web.render import Renderer
from web.static_files import StaticFiles


def test_the_dialogue_offers_what_the_probe_opens() -> None:
    assert set(DEMUXERS) == set(CONTAINERS)
    offered = ACCEPTED.split(",")
    assert offered[0] == "audio/*"
    assert set(offered[1:]) == {f".{ending}" for ending in ENDINGS}
    assert {*ENCODINGS} <= {*ENDINGS}


@pytest.mark.parametrize("ending", ["m4b", "bwf", "w64", "aifc", "opus", "mp4", "3gp"])
def test_no_ending_of_a_recording_is_skipped(ending: str) -> None:
    assert ending in ENDINGS
    assert ending not in NOT_AUDIO


def test_page_and_importer_skip_the_same_names() -> None:
    assert {f".{ending}" for ending in NOT_AUDIO} == NO_AUDIO
    assert set(ENDINGS).isdisjoint(NOT_AUDIO)
    assert {"jpg", "txt", "pdf", "ds_store"} <= NOT_AUDIO
    assert all(ending == ending.lower() for ending in NOT_AUDIO)


def test_the_panel_is_told_which_names_are_no_recordings() -> None:
    environment = Renderer(StaticFiles(), [in_templates()])._environment
    assert set(environment.globals["NOT_AUDIO"]) == NOT_AUDIO
    panel = (Path(__file__).parents[3] / "web/templates/vault/_docks.html").read_text()
    assert "data-not-audio=\"{{ NOT_AUDIO | join(' ') }}\"" in panel
