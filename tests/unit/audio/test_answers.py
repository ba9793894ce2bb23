"""What the report makes of its figures: appeal, mood in words, roles of parts, advice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.audio.advice import hook_s, recommendations
from gateways.audio.analysis import meters_of
from gateways.audio.appeal import appeal
from gateways.audio.decode import Decoder
from gateways.audio.defects.levels import STORE_LEVELS
from gateways.audio.defects.rules import judge
from gateways.audio.mood import mood, without_contradictions
from gateways.audio.sound import Sound
from gateways.audio.structure import _letter, _roles
from runtime.demo_music import TrackSpec, compose
from schemas.audio.report import Figure, Finding, Quality, Section, Sections
from tests.fixtures.audio_corpus import RATE, write_wav
from tests.fixtures.reports import figure, report

FULL = report()
CODES = (
    *("truncated", "damaged", "noise", "hum", "click", "dropout", "phase", "dc-offset", "clipping"),
    *("true-peak", "squashed", "too-loud", "too-quiet", "cut-end", "silence-end", "bandwidth"),
    "something-new",
)


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
    found = appeal(FULL.audioFeatures, quality(finding("clipping", 20)))
    assert found.score == pytest.approx(sum(one.contribution for one in found.factors), abs=0.2)
    assert found.low <= found.score <= found.high


def test_appeal_of_a_file_without_sound_has_no_score_and_an_unknown_factor_widens_the_range() -> (
    None
):
    assert appeal(FULL.audioFeatures, quality(score=None)).score is None
    known = appeal(FULL.audioFeatures, quality())
    nothing = Figure(value=None, method="test")
    features = FULL.audioFeatures.model_copy(update={"vocals": nothing})
    unknown = appeal(features, quality())
    assert unknown.high - unknown.low > known.high - known.low


@given(
    st.lists(st.tuples(st.sampled_from(CODES), st.floats(0, 40)), max_size=6),
    st.sampled_from(CODES),
    st.floats(0.1, 40),
    st.floats(-40, 0),
    st.floats(0, 1),
)
def test_a_defect_never_raises_appeal_whatever_it_does_to_the_level(
    before: list[tuple[str, float]], code: str, costs: float, lufs: float, energy: float
) -> None:
    """A clipped master had 61 points and the clean one 45: it was louder, so it had more energy."""
    louder = FULL.audioFeatures.model_copy(
        update={"loudness": figure(lufs, "LUFS"), "energy": figure(energy)}
    )
    clean = quality(*(finding(name, points) for name, points in before))
    damaged = quality(*clean.feedback, finding(code, costs))
    assert appeal(louder, damaged).score <= appeal(FULL.audioFeatures, clean).score


@pytest.mark.parametrize("level", [0.02, 0.3])
def test_a_damaged_master_has_less_appeal_than_the_clean_one(tmp_path: Path, level: float) -> None:
    clean = compose(TrackSpec("t", "a", "l", "g", "ballad", 96.0, "C minor", duration_s=12))
    clean *= level / np.abs(clean).max()
    clean[-RATE:] *= np.linspace(1, 0, RATE)[:, None]
    noise = np.random.default_rng(5).normal(0, level / 60, clean.shape)
    scores = {}
    for name, samples in {
        "clean": clean,
        "clipped": np.clip(clean * 4 / level, -1, 1),
        "a little clipped": np.clip(clean * 1.3 / level, -1, 1),
        "off zero": clean + 0.03,
        "noisy": clean + noise,
    }.items():
        scores[name] = _appeal_of(write_wav(tmp_path / "a.wav", samples))
    assert scores["clean"] > 0
    assert {name for name, score in scores.items() if score > scores["clean"]} == set()


def _appeal_of(path: Path) -> float:
    with path.open("rb") as file:
        decoder = Decoder(file)
        meters = meters_of(decoder)
        measured = meters.measured(decoder)
        decoder.close()
    sound = Sound(meters.window.samples())
    found = FULL.audioFeatures.model_copy(
        update={"vocals": figure(0.0), **mood(sound, has_attacks=True)}
    )
    score = appeal(found, judge(measured)).score
    assert score is not None
    return score


def test_words_that_speak_against_an_earlier_one_are_left_out() -> None:
    assert without_contradictions(["energetic", "dark", "driving", "mellow", "dark"]) == [
        "energetic", "dark", "driving",
    ]  # fmt: skip
    assert without_contradictions(["calm", "party", "dreamy"]) == ["calm", "dreamy"]


def test_what_to_do_next_is_in_the_order_of_work_and_each_once() -> None:
    said = quality(
        finding("clipping", 20), finding("hum", 9), finding("true-peak", 4),
        finding(STORE_LEVELS, 0), finding("mono-as-stereo", 0), finding("cut-end", 6),
    )  # fmt: skip
    advice = [
        one
        for one in recommendations(FULL.audioFeatures, said, parts("A"))
        if not one.code.startswith("check-")
    ]
    assert [one.code for one in advice] == ["hum", "clipping", "cut-end", STORE_LEVELS]
    assert advice[1].because == "settles 2 findings, 24 points"


@given(st.lists(st.tuples(st.sampled_from(CODES), st.floats(0.1, 30)), max_size=12))
def test_what_to_do_next_repeats_neither_itself_nor_a_finding(
    found: list[tuple[str, float]],
) -> None:
    said = quality(*(finding(code, points) for code, points in found))
    advice = recommendations(FULL.audioFeatures, said, parts("A"))
    texts = [one.text for one in advice]
    assert len(set(texts)) == len(texts)
    beside = {text for one in said.feedback for text in (one.title, one.fix)}
    assert beside.isdisjoint([*texts, *(one.because for one in advice)])


def test_a_late_hook_is_advised_on() -> None:
    advice = recommendations(FULL.audioFeatures, quality(), parts("ABCDCD", length_s=35))
    assert "late-hook" in {one.code for one in advice}
    early = recommendations(FULL.audioFeatures, quality(), parts("ABAB"))
    assert "late-hook" not in {one.code for one in early}
