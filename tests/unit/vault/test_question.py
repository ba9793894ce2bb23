"""A question in plain words: which filters it holds, and that none of them is hidden."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.vault.audio import MUSICAL_KEYS
from read_api.vault.search.question import Question, understand
from read_api.vault.search.vocabulary import GENRE_OF, INSTRUMENT_OF, MOOD_OF
from schemas.audio.harmony import camelot, key_of, relatives

TODAY = date(2026, 11, 22)
PIECES = (
    *("around", "140", "bpm", "in", "A", "minor", "key:", "8A", "~", "compatible with", "120-130"),
    *("under", "2:30", "longer than", "3 min", "no", "without", "with", "vocals", "last", "week"),
    *("Am", "Dm", '"', "genre:", "mood:", "length:", "since", "2026-02-31", "2026-02-01", "(", ","),
    *("1e9", "999:59", "bpm:-", "energy:0.7-", "９９ bpm", "\x00", ".", "Café", "夜", "to", "and"),
    *(*sorted(MOOD_OF)[:6], *sorted(GENRE_OF)[:6], *sorted(INSTRUMENT_OF)[:6]),
)
questions = st.one_of(
    st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=9).map(" ".join)
)


def chips(text: str) -> list[str]:
    return [str(chip) for chip in understand(text, TODAY).chips]


@pytest.mark.parametrize(
    ("asked", "found", "words"),
    [
        ("dark trap around 140 in A minor", ["mood:dark", "bpm:133-147", 'key:"A minor"'], "trap"),
        ("140bpm", ["bpm:138.6-141.4"], ""),
        ("128-132 bpm", ["bpm:128-132"], ""),
        ("faster than 150 bpm", ["bpm:150-"], ""),
        ("key:Am", ['key:"A minor"'], ""),
        ("in Bbm", ['key:"A# minor"'], ""),
        ("8A", ['key:"A minor"'], ""),
        ("8A~ compatible", ['compatible:"A minor"'], ""),
        ("mixes with C major", ['compatible:"C major"'], ""),
        ("longer than 3 min", ["length:180-"], ""),
        ("under 2:30", ["length:-150"], ""),
        ("2-4 min", ["length:120-240"], ""),
        ("with piano", ["instrument:piano"], ""),
        ("without drums", ["without:drums"], ""),
        ("no vocals", ["vocals:no"], ""),
        ("last week", ["since:2026-11-15"], ""),
        ("this month", ["since:2026-11-01"], ""),
        ("before 2026-03-01", ["until:2026-03-01"], ""),
        ("energetic techno", ["mood:energetic", "genre:techno"], ""),
        ("Drum & Bass, 174 BPM!", ['genre:"drum and bass"', "bpm:172.3-175.7"], ""),
        ("gqom by Ada", [], "gqom by Ada"),
    ],
)
def test_what_musicians_say_becomes_filters_and_the_rest_stays_words(
    asked: str, found: list[str], words: str
):
    question = understand(asked, TODAY)
    assert [str(chip) for chip in question.chips] == found
    assert question.words == words


@pytest.mark.parametrize("text", ["Midnight Drive", "I Am", "around the world", "24", "2026", "3"])
def test_words_that_only_look_like_filters_stay_words(text: str):
    assert chips(text) == []


def test_what_stands_in_quotes_is_never_a_filter():
    assert chips('"house" "140 bpm" "no vocals"') == []
    assert understand('"house of cards" piano', TODAY).words == "house of cards"


def test_a_second_tempo_stays_words_and_a_second_instrument_is_one_more_filter():
    question = understand("120 bpm 140 bpm piano strings", TODAY)
    assert [chip.name for chip in question.chips] == ["bpm", "instrument", "instrument"]
    assert question.words == "140 bpm"


@given(questions)
def test_no_question_is_refused_and_every_one_reads_the_same_when_it_is_written_out(text: str):
    question = understand(text, TODAY)
    assert understand(str(question), TODAY) == question
    for chip in question.chips:
        assert chip.label
        assert understand(str(chip), TODAY).chips == (chip,)


@given(questions)
def test_a_chip_that_is_taken_away_leaves_the_others_as_they_were(text: str):
    question = understand(text, TODAY)
    for chip in question.chips:
        rest = [each for each in question.chips if each != chip]
        assert list(question.without(chip).chips) == rest


@given(questions)
def test_each_chip_knows_which_part_of_the_question_it_was_read_from(text: str):
    question = understand(text, TODAY)
    for chip in question.chips:
        assert chip.said in str(question)
        assert chip in understand(chip.said, TODAY).chips


def test_what_a_chip_was_read_from_is_only_words_once_it_is_taken_away():
    question = understand("no strings attached", TODAY)
    without = question.without(question.chips[0])
    assert str(without) == '"no strings" attached'
    assert understand(str(without), TODAY).chips == ()
    assert without.words == "no strings attached"


def test_a_filter_that_was_written_as_one_is_gone_once_it_is_taken_away():
    question = understand("loop genre:house", TODAY)
    assert str(question.without(question.chips[0])) == "loop"
    assert not question.chips[0].spoken


def test_a_text_longer_than_a_question_is_a_name():
    assert understand("house 140 bpm " * 20, TODAY).chips == ()


def test_nothing_asked_is_no_question():
    assert understand(None, TODAY) == understand(" ?! ", TODAY) == Question()


def test_four_keys_mix_with_each_and_it_with_them():
    for key in MUSICAL_KEYS:
        mixing = relatives(key)
        assert len(set(mixing)) == 4
        assert key in mixing
        assert all(key in relatives(other) for other in mixing)
        assert key_of(camelot(key)) == key
    assert set(relatives("A minor")) == {"A minor", "E minor", "D minor", "C major"}
    assert relatives("H minor") == ()
