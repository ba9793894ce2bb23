"""Words as SQL: what the text index is asked, and how much of it at once."""

from __future__ import annotations

import pytest

from read_api.vault.search.texts import TOGETHER, Named, text_match, verbatim
from read_api.vault.search.typos import MOST_WORDS, meant


@pytest.mark.parametrize("word", ["drive", "orchestra", "полночь", "a"])
def test_every_slip_of_a_word_is_asked_for_in_small_portions(word: str):
    match = text_match([word], "typed")
    portions = [said.split(" | ") for name, said in match.parameters.items() if "slips" in name]
    assert max(map(len, portions)) <= TOGETHER
    assert {slip for portion in portions for slip in portion} == {f"'{word}':*", *meant(word)}
    assert match.condition.count("@@") == len(portions)


def test_words_beyond_the_first_few_are_asked_for_as_they_are_written():
    words = [f"nightfall{letter}" for letter in "abcdefgh"]
    match = text_match(words, "typed")
    assert match.parameters[f"slips{MOST_WORDS}_0"] == f"'{words[MOST_WORDS]}':*"


def test_a_word_said_twice_is_asked_for_once():
    match = text_match(["bye", "bye"], "exact")
    assert match.parameters == {"words": "'bye':*", "word_in0": "%bye%"}
    assert text_match(["bye", "bye"], "alike").parameters.keys() == {"word0", "prefix0"}


@pytest.mark.parametrize("number", ["140", "1999", "140000"])
def test_a_number_is_never_misspelt(number: str):
    assert meant(number) == [number]
    assert text_match([number], "typed").parameters["slips0_0"] == f"'{number}':*"
    assert "<%" not in text_match([number], "alike").condition
    assert "LIKE" not in text_match([number], "exact").condition


@pytest.mark.parametrize("sign", ["%", "_", "\\"])
def test_a_sign_of_patterns_is_taken_as_it_is(sign: str):
    assert verbatim(sign).parameters["signs"] == f"%\\{sign}%"
    assert Named(sign, sign).parameters["begins"] == f"%\n\\{sign}%"
