"""The evaluation: answers read with clear refusals, scores as mir_eval gives them, honest sums."""

from __future__ import annotations

import base64
import itertools
from pathlib import Path

import mir_eval
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.audio.keys import KEY_NAMES
from runtime.evaluate.plots import write_plots
from runtime.evaluate.scores import auc, f1, key_weight, tempo_right, tempo_right_but_octave
from runtime.evaluate.statistics import bootstrap, calibration, wilson
from runtime.evaluate.summary import Found, summarise, track_as_json
from runtime.evaluate.truth import Answer, TruthProblem, read_truth


def test_a_key_weighs_as_in_mir_eval() -> None:
    for true, found in itertools.product(sorted(KEY_NAMES), repeat=2):
        assert key_weight(found, true) == mir_eval.key.weighted_score(true, found), (true, found)


@given(st.floats(40, 240), st.floats(30, 480))
def test_a_tempo_is_right_where_mir_eval_says_so(true: float, found: float) -> None:
    one, _, _ = mir_eval.tempo.detection(
        np.array([true, true]), 0.5, np.array([found, found]), 0.04
    )
    if abs(abs(found / true - 1) - 0.04) > 1e-9:
        assert tempo_right(found, true) == (one == 1)


@pytest.mark.parametrize("factor", [1, 2, 3, 1 / 2, 1 / 3])
def test_an_octave_is_forgiven_by_the_second_accuracy_alone(factor: float) -> None:
    assert tempo_right_but_octave(100 * factor * 1.03, 100)
    assert tempo_right(100 * factor, 100) == (factor == 1)
    assert not tempo_right_but_octave(100 * factor * 1.05, 100)
    assert not tempo_right_but_octave(None, 100)


def test_instruments_are_scored_by_what_is_missing_and_what_is_too_much() -> None:
    assert f1({"piano", "drums"}, {"piano"}) == pytest.approx(2 / 3)
    assert f1(set(), set()) == 1
    assert f1({"harp"}, {"piano"}) == 0


def test_the_area_counts_won_pairs() -> None:
    assert auc([0.9, 0.2, 0.5], [True, False, False]) == 1
    assert auc([0.5, 0.5], [True, False]) == 0.5
    assert auc([0.5, 0.6], [True, True]) is None


def test_an_interval_holds_the_share_and_narrows_with_more_tracks() -> None:
    few, many = wilson(8, 10), wilson(800, 1000)
    assert few == pytest.approx((0.4902, 0.9433), abs=1e-4)  # statsmodels gives these
    assert few[0] < many[0] < 0.8 < many[1] < few[1]
    assert wilson(0, 0) == (0, 1)
    low, high = bootstrap([0.0, 1.0] * 50)
    assert 0.38 < low < 0.5 < high < 0.62


def test_confidences_that_keep_their_word_are_off_by_little() -> None:
    kept = calibration([0.9] * 10 + [0.1] * 10, [True] * 9 + [False] + [True] + [False] * 9)
    boast = calibration([0.9] * 10, [True] * 4 + [False] * 6)
    assert kept is not None
    assert boast is not None
    assert kept.expected_error == 0
    assert boast.expected_error == pytest.approx(0.5)
    assert calibration([], []) is None


def test_a_failed_file_counts_as_wrong_and_claims_no_confidence() -> None:
    answers = [Answer(Path("a"), tempo_bpm=120, key="A minor"), Answer(Path("b"), tempo_bpm=90)]
    right = Found(tempo_bpm=121, tempo_confidence=0.8, key="C major", key_confidence=0.6)
    summary = summarise(list(zip(answers, (right, Found(failed="damaged")), strict=True)))
    figures = {row.figure: (row.value, row.n) for row in summary.rows}
    assert figures["tempo Acc1"] == (0.5, 2)
    assert figures["key exact"] == (0, 1)
    assert figures["key weighted"] == (0.3, 1)
    assert summary.calibrations["tempo"].n == 1
    assert "genre top 1" not in figures


def test_a_genre_that_does_not_stand_out_is_no_first_choice() -> None:
    found = Found(genre=None, genres=["rock", "pop"])
    summary = summarise([(Answer(Path("a"), genre="rock"), found)])
    assert {row.figure: row.value for row in summary.rows} == {"genre top 1": 0, "genre top 3": 1}
    assert summary.calibrations == {}


def _fingerprint(words: list[int]) -> str:
    return base64.b64encode(np.array(words, "<u4").tobytes()).decode()


def test_copies_are_scored_by_how_many_are_recognised_and_who_is_mistaken() -> None:
    random = np.random.default_rng(3)
    song, other, third = (random.integers(1, 2**32, 300).tolist() for _ in range(3))
    heard = {
        "song": song,
        "copy": [word ^ 1 << at % 32 if at % 3 else word for at, word in enumerate(song)],
        "copy of the copy": song[:200],
        "missed": other,  # is said to be the song and is not
        "third": third,
        "mistaken": third,  # is another recording that nobody calls a copy
    }
    originals = {"copy": "song", "copy of the copy": "copy", "missed": "song"}
    pairs = [
        (
            Answer(Path(name), duplicate_of=Path(originals[name]) if name in originals else None),
            Found(fingerprint=_fingerprint(words)),
        )
        for name, words in heard.items()
    ]
    summary = summarise([*pairs, (Answer(Path("broken")), Found(failed="damaged"))])
    figures = {row.figure: (row.value, row.n) for row in summary.rows}
    assert figures["duplicates recognised"] == (pytest.approx(2 / 3), 3)
    assert figures["false recognitions"] == (pytest.approx(2 / 6), 6)
    answer, found = pairs[2]
    track = track_as_json(answer, found, summary)
    assert track["duplicate_of"] == "copy"
    assert set(track["same_audio_as"]) == {"song", "copy"}


def test_without_known_copies_nothing_is_said_of_them() -> None:
    pairs = [(Answer(Path("a")), Found(fingerprint=_fingerprint([1, 2, 3])))]
    assert summarise(pairs).as_json() == {"figures": [], "calibration": {}}


def test_an_original_without_a_row_of_its_own_is_analysed_too(tmp_path: Path) -> None:
    for name in ("a.wav", "b.wav"):
        (tmp_path / name).touch()
    (tmp_path / "t.csv").write_text("path,duplicate_of\nb.wav,a.wav\n")
    copy, original = read_truth(tmp_path / "t.csv", tmp_path).answers
    assert (copy.duplicate_of, original) == (original.path, Answer(tmp_path / "a.wav"))
    (tmp_path / "a.wav").unlink()
    with pytest.raises(TruthProblem, match=r"a\.wav"):
        read_truth(tmp_path / "t.csv", tmp_path)


def test_answers_come_from_csv_and_json_alike(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    table = tmp_path / "t.csv"
    table.write_text(
        "path,tempo_bpm,key,instruments,vocals,mood\na.wav,120.5,Am,Piano; drums,no,x\n"
    )
    objects = tmp_path / "t.json"
    objects.write_text(
        '{"a.wav": {"tempo_bpm": 120.5, "key": "8A", "instruments": ["piano", "drums"],'
        ' "vocals": false, "mood": "x"}}'
    )
    one, other = read_truth(table, tmp_path), read_truth(objects, tmp_path)
    assert one.answers == other.answers
    assert one.answers[0].key == "A minor"
    assert one.ignored_columns == other.ignored_columns == ("mood",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("path,key\na.wav,H flat lydian\n", "is no key"),
        ("path,tempo_bpm\na.wav,fast\n", "not a number"),
        ("path,vocals\na.wav,perhaps\n", "yes or no"),
        ("file,key\na.wav,Am\n", "no column `path`"),
        ("path\ngone.wav\n", "gone.wav"),
        ("path\n", "no rows"),
    ],
)
def test_answers_that_cannot_be_used_are_refused_by_name(
    tmp_path: Path, text: str, says: str
) -> None:
    (tmp_path / "a.wav").touch()
    table = tmp_path / "t.csv"
    table.write_text(text)
    with pytest.raises(TruthProblem, match=says):
        read_truth(table, tmp_path)


def test_plots_are_written_for_whatever_is_known(tmp_path: Path) -> None:
    found = Found(tempo_bpm=240, tempo_confidence=0.3, key="E minor", key_confidence=0.4)
    pairs = [(Answer(Path("a"), tempo_bpm=120, key="A minor"), found)]
    written = write_plots(pairs, summarise(pairs), tmp_path)
    assert [path.read_text().startswith("<?xml") for path in written] == [True] * 3
