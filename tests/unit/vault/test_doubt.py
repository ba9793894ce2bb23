"""A doubtful figure looks doubtful in the list, unless somebody has said it."""

from __future__ import annotations

import pytest

from schemas.vault.dto import AnalysisDto, GenreDto, TempoCandidateDto
from tests.unit.web.test_pages import asset
from web.pages.vault.doubt import doubt


def measured(confidence: float | None) -> AnalysisDto:
    known = confidence is not None
    return AnalysisDto(
        id="ana_1",
        analyser="test",
        analyser_version=1,
        tempo_candidates=[TempoCandidateDto(bpm=120, confidence=confidence)] if known else [],
        key_confidence=confidence,
        genres=[GenreDto(name="Dub", confidence=confidence)] if known else [],
    )


@pytest.mark.parametrize("figure", ["tempo", "key", "genre"])
def test_what_is_less_than_half_sure_is_doubtful_and_says_how_sure(figure: str):
    for confidence, doubtful in ((0.41, True), (0.5, False), (None, False)):
        shown = asset().model_copy(update={"analysis": measured(confidence)})
        assert bool(doubt(shown, figure)) is doubtful
    shown = asset().model_copy(update={"analysis": measured(0.41)})
    assert "41%" in doubt(shown, figure)


def test_what_the_musician_or_the_file_says_is_not_doubted():
    said = asset(tempo_bpm=93.5, key="A minor", genre="Dub")
    shown = said.model_copy(update={"analysis": measured(0.1)})
    assert [doubt(shown, figure) for figure in ("tempo", "key", "genre")] == ["", "", ""]


def test_what_is_not_measured_yet_is_not_doubted():
    assert doubt(asset(), "tempo") == ""
