"""How texts are made comparable."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from projections.folding import fold, has_words, lines, sort_key
from projections.vault.genres import GENRES, genre_key, genre_keys

# Of surrogates nothing can be stored.
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)
words = st.text(st.characters(categories=("L", "N", "Zs")), max_size=30)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Café – Déjà_Vu", "cafe deja vu"),
        ("Straße", "STRASSE"),
        ("İSTANBUL", "istanbul"),
        ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
        ("ｶﾗｵｹ ﾊﾟｰﾃｨ", "カラオケ パーティ"),
        ("ＡＢＣ１２３", "abc 123"),
        ("مُحَمَّد", "محمد"),
        ("محمـــد", "محمد"),
        ("שָׁלוֹם", "שלום"),
        ("٣ أغاني", "3 اغاني"),
        (unicodedata.normalize("NFD", "한국의 봄"), "한국의 봄"),
        ("ﬁnal", "final"),
        ("Łódź Ørsted Æon", "lodz orsted aeon"),
        ("140BPM", "140 bpm"),
        ("R&B", "r and b"),
        ("F♯ minor", "F# minor"),
        ("❤️", "❤"),
        ("soft\u00adhyphen", "softhyphen"),
    ],
)
def test_two_spellings_of_a_text_are_the_same(one: str, other: str):
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("が", "か"), ("की", "का"), ("กา", "กี"), ("A# minor", "A minor"), ("!!!", "???")],
)
def test_two_texts_stay_two(one: str, other: str):
    assert fold(one) != fold(other)


@given(texts)
@example("\u1e9e\u0130\u03a3")
@example("\u0958\u0344\u2126")
def test_a_fold_is_its_own_fold_and_does_not_tell_normal_forms_apart(text: str):
    folded = fold(text)
    assert fold(folded) == folded
    assert folded == " ".join(folded.split())
    if has_words(folded):
        assert folded == fold(unicodedata.normalize("NFD", text))
        assert folded == fold(unicodedata.normalize("NFC", text))


@given(texts)
def test_what_is_more_than_space_has_a_fold(text: str):
    assert bool(fold(text)) == bool(text.split())


@given(words, st.integers(0, 60))
def test_the_beginning_of_a_name_is_the_beginning_of_its_fold(text: str, length: int):
    begun = fold(text[:length])
    assert not has_words(begun) or fold(text).startswith(begun)


@pytest.mark.parametrize("code", range(0, 0x110000, 4096))
def test_every_character_folds_to_itself_in_the_end(code: int):
    for each in range(code, code + 4096):
        if unicodedata.category(chr(each)) != "Cs":
            folded = fold(f"a{chr(each)}b")
            assert fold(folded) == folded, hex(each)


def test_glued_words_are_found_each_for_itself_and_files_without_their_ending():
    assert lines("CapDan-ReggaeTry.wav", file=True) == (
        "capdan reggaetry wav\ncap dan reggae try wav\ncapdan reggaetry\ncap dan reggae try"
    )
    assert lines("HTMLParser") == "htmlparser\nhtml parser"
    assert lines("ЗимаСнег") == "зимаснег\nзима снег"
    assert lines("Night Bus") == "night bus"
    assert lines(None) is None


def test_titles_are_in_natural_order():
    titles = [
        *("!!!", "2 Step", "10 Step", "Take", "Take 1", "Take 02", "Take 2b", "Take 9", "Take 10"),
        *("Take 10 (b)", f"Take {10**40}", "Take a"),
    ]
    assert sorted(reversed(titles), key=lambda title: sort_key(title) or "") == titles
    assert sort_key("Take ٢") == sort_key("Take ２") == sort_key("take 2")


@given(st.text(max_size=20), st.integers(0, 10**30), st.integers(0, 10**30))
def test_numbers_are_ordered_by_how_much_they_are(before: str, one: int, other: int):
    keys = [sort_key(f"{before} {number}") or "" for number in (one, other)]
    assert (keys[0] < keys[1]) == (one < other)


def test_a_sort_key_fits_into_an_index_however_long_a_title_is():
    for title in ("a1" * 250, "𝟙" * 500, "한" * 500, "9" * 500):
        assert len((sort_key(title) or "").encode()) < 2_000


@pytest.mark.parametrize(
    "spellings",
    [
        ["drum & bass", "dnb", "Drum and Bass", "D&B", "Drum 'n' Bass", "drum-n-bass", "DNB"],
        ["hip hop", "Hip-Hop", "HipHop"],
        ["R&B", "rnb", "R'n'B", "Rhythm & Blues"],
        ["lo-fi", "LoFi", "lo fi"],
        ["Gqom", "gqom"],
        ["Future Garage", "future-garage"],
    ],
)
def test_spellings_of_a_genre_are_equals(spellings: list[str]):
    assert len({genre_key(each) for each in spellings}) == 1


def test_no_spelling_is_two_genres():
    every = [(genre_key(name), name) for name in GENRES]
    assert len(dict(every)) == len(every)


def test_a_tag_of_several_genres_is_each_of_them():
    assert genre_keys("House; Drum & Bass") == ["housedrumandbass", "house", "drumandbass"]
    assert genre_keys(" ") is genre_keys(None) is None
