"""How measurements are read: doubt is shown, what is said counts, others are one click away."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.vault.dto import AnalysisDto, AssetDto, EffectiveDto, TagsDto, TempoCandidateDto
from tests.fixtures.reports import report
from web import looks
from web.pages.vault.lanes import lanes_of
from web.pages.vault.listening import Readout, bands, reading

SUMMARY = AnalysisDto(
    id="ana_1",
    tempo_bpm=124.0,
    tempo_candidates=[TempoCandidateDto(bpm=124.0, confidence=0.9)],
    key="A minor",
    key_confidence=0.3,
    loudness_lufs=-9.1,
    energy=0.7,
    analyser="noculture",
    analyser_version=3,
)


def asset(analysis: AnalysisDto | None = SUMMARY, **tags: Any) -> AssetDto:
    said = TagsDto(**tags)
    return AssetDto(
        id="ast_1",
        version=2,
        state="analysed" if analysis else "analysis_failed",
        filename="a.wav",
        sha256="0" * 64,
        size_bytes=1,
        uploaded_at=datetime(2026, 11, 22, tzinfo=UTC),
        tags=said,
        analysis=analysis,
        effective=EffectiveDto(
            tempo_bpm=said.tempo_bpm or (analysis and analysis.tempo_bpm),
            key=said.key or (analysis and analysis.key),
        ),
    )


def named(shown: AssetDto, **found: Any) -> dict[str, Readout]:
    read = reading(shown, report(**found))
    return {each.name: each for each in [*read.first, *read.rest]}


@pytest.mark.parametrize(("sure", "unsure"), [(0.9, False), (0.5, False), (0.49, True)])
def test_a_low_confidence_looks_low(sure: float, unsure: bool):
    shown = named(asset(), sure=sure)
    assert [shown[name].unsure for name in ("tempo", "key", "genre")] == [unsure] * 3
    assert not shown["loudness"].unsure


def test_half_and_double_are_always_one_click_away():
    others = {each.hint: each.value for each in named(asset())["tempo"].alternatives}
    assert others == {"half": "62.00", "double": "248.00"}
    summary = reading(asset(), None).first[0].alternatives
    assert {each.hint for each in summary} == {"half", "double"}


def test_what_is_said_counts_and_what_was_measured_stays_beside_it():
    shown = named(asset(tempo_bpm=62.0, genre="Dub"))
    assert (shown["tempo"].value, shown["tempo"].measured) == ("62.0", "124.0")
    assert (shown["genre"].value, shown["genre"].measured) == ("Dub", "House")
    assert not shown["tempo"].unsure
    assert "124.00" in [each.value for each in shown["tempo"].alternatives]
    assert "House" in [each.value for each in shown["genre"].alternatives]


def test_every_number_says_how_it_was_found():
    shown = named(asset())
    assert all(each.method for each in shown.values())
    assert (shown["genre"].model, len(shown["genre"].weights or "")) == ("genre-1", 64)


def test_without_a_report_the_summary_is_shown():
    read = reading(asset(), None)
    assert [each.name for each in read.first] == ["tempo", "key", "loudness"]
    assert read.first[1].unsure
    assert {each.name for each in read.rest} == {"energy", "true_peak"}


def test_of_what_could_not_be_measured_only_what_is_said_is_shown():
    read = reading(asset(None, tempo_bpm=90.0), None)
    assert [each.value for each in read.first] == ["90.0", looks.NONE]
    assert read.rest == []


def test_lanes_lose_nothing_but_digits():
    found = report(180.0)
    lanes = lanes_of(found)
    assert len(lanes["beats"]) == len(found.beats.times_s)
    assert lanes["sections"][0][2:] == ["A", "intro", 40]
    assert [row[:2] for row in lanes["defects"]] == [[62.1, 62.3], [121.4, 121.9]]
    assert lanes["loudness"]["values"][0] is None
    assert len(json.dumps(lanes)) < 12_000


def test_the_spectrum_fills_its_width():
    drawn = bands(report().curves.spectrum)
    assert drawn[0].x == 0
    assert drawn[-1].x + drawn[-1].width <= 100
    assert max(band.height for band in drawn) == 100


@given(st.integers(min_value=0, max_value=864_000))
def test_a_moment_is_read_back_as_it_was_written(tenths: int):
    assert looks.seconds(looks.moment_of(tenths / 10)) == pytest.approx(tenths / 10)


@pytest.mark.parametrize("text", ["", "one", "1:x", ":"])
def test_what_is_no_moment_is_refused(text: str):
    with pytest.raises(ValueError):
        looks.seconds(text)
