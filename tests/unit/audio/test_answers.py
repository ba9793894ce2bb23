"""What the report makes of its figures: appeal, mood in words, roles of parts, advice."""

from __future__ import annotations

import pytest

from gateways.audio.advice import recommendations
from gateways.audio.appeal import appeal, hook_s
from gateways.audio.defects.levels import STORE_LEVELS
from gateways.audio.mood import without_contradictions
from gateways.audio.structure import _letter, _roles
from schemas.report import Figure, Finding, Quality, Section, Sections
from tests.fixtures.reports import report

FULL = report()


def parts(labels: str, length_s: float = 20) -> Sections:
    return Sections(
        method="test",
        spans=[
            Section(start_s=at * length_s, end_s=(at + 1) * length_s, label=label, confidence=1)
            for at, label in enumerate(labels)
        ],
    )


def quality(*feedback: Finding, score: float | None = 90.0) -> Quality:
    return Quality(score=score, formula="", feedback=list(feedback))


def finding(code: str, deduction: float) -> Finding:
    return Finding(
        code=code, severity="info", title=f"title of {code}", value=None, unit=None, limit=None,
        deduction=deduction, fix=f"fix of {code}", method="test",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("labels", "at_s"), [("ABAB", 0), ("ABCB", 20), ("ABBBC", None), ("A", None), ("", None)]
)
def test_a_hook_is_a_part_that_returns_after_another_one(labels: str, at_s: float | None) -> None:
    assert hook_s(parts(labels)) == at_s


def test_a_part_in_a_row_has_no_role_for_it() -> None:
    assert _roles(["A", "B", "B", "C", "A"], [-20, -10, -10, -20, -20])[1:3] == [None, None]
    assert _roles(["A", "B", "A", "B"], [-20, -10, -20, -10]) == ["verse", "chorus"] * 2


def test_more_parts_than_letters_still_differ() -> None:
    letters = [_letter(number) for number in range(60)]
    assert len(set(letters)) == 60
    assert [letters[0], letters[25], letters[26]] == ["A", "Z", "A2"]


def test_appeal_is_the_sum_it_says_it_is() -> None:
    found = appeal(FULL.audioFeatures, parts("ABAB"), quality())
    known = [factor for factor in found.factors if factor.value is not None]
    weight = sum(factor.weight for factor in known)
    points = sum(factor.weight * (factor.value or 0) for factor in known)
    assert found.score == pytest.approx(100 * points / weight, abs=0.5)
    assert found.low <= found.score <= found.high


def test_appeal_of_a_file_without_sound_has_no_score_and_an_unknown_factor_widens_the_range() -> (
    None
):
    assert appeal(FULL.audioFeatures, parts(""), quality(score=None)).score is None
    known = appeal(FULL.audioFeatures, parts("ABAB"), quality())
    nothing = Figure(value=None, method="test")
    features = FULL.audioFeatures.model_copy(update={"vocals": nothing})
    unknown = appeal(features, parts("ABAB"), quality())
    assert unknown.high - unknown.low > known.high - known.low


def test_words_that_speak_against_an_earlier_one_are_left_out() -> None:
    assert without_contradictions(["energetic", "dark", "driving", "mellow", "dark"]) == [
        "energetic", "dark", "driving",
    ]  # fmt: skip
    assert without_contradictions(["calm", "party", "dreamy"]) == ["calm", "dreamy"]


def test_what_costs_something_is_advised_and_what_stores_do_once() -> None:
    said = quality(finding("hum", 9), finding(STORE_LEVELS, 0), finding("mono-as-stereo", 0))
    advice = [one.code for one in recommendations(FULL.audioFeatures, said, parts("A"))]
    assert [code for code in advice if not code.startswith("check-")] == ["hum", STORE_LEVELS]


def test_a_late_hook_is_advised_on() -> None:
    advice = recommendations(FULL.audioFeatures, quality(), parts("ABCDCD", length_s=35))
    assert "late-hook" in {one.code for one in advice}
    early = recommendations(FULL.audioFeatures, quality(), parts("ABAB"))
    assert "late-hook" not in {one.code for one in early}
