"""What a name says of a recording, and that it is never given words of somebody else."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.audio.file_names import NOTHING, FromName, read_name
from schemas.audio.harmony import KEYS

PIECES = (
    *("Artist", " - ", "Title", "120bpm", "120 BPM", "140", "Am", "Cmin", "F#m", "8A", "A minor"),
    *("(", ")", "[", "]", "_", "-", " ", "03", "01 ", "v3", "final", " (2)", ".wav", "Ａ", "песня"),
    *("in ", "at ", "@", "\x00", "．", "–", "bpm", "1999", "Copy", ",", "夜"),
)
names = st.one_of(st.text(max_size=80), st.lists(st.sampled_from(PIECES), max_size=12).map("".join))


@pytest.mark.parametrize(
    ("filename", "artist", "title", "tempo_bpm", "key"),
    [
        ("Artist - Title (120bpm Am).wav", "Artist", "Title", 120, "A minor"),
        ("beat_140_Cmin_final_v3 (2).wav", None, "beat final v3", 140, "C minor"),
        ("01 Title.mp3", None, "Title", None, None),
        ("03 - Artist - Title.mp3", "Artist", "Title", None, None),
        ("Artist - Album - 03 Title.flac", "Artist", "Title", None, None),
        ("Artist - Album - 03 - Title.flac", "Artist", "Title", None, None),
        ("8A - 128 - Some One - Song.mp3", "Some One", "Song", 128, "A minor"),
        ("Ａｒｔｉｓｔ　－　Ｔｉｔｌｅ（１２０ｂｐｍ）.wav", "Artist", "Title", 120, None),
        ("Артист - Песня 128 BPM.flac", "Артист", "Песня", 128, None),
        ("夜 - 花 (90 BPM Dm).wav", "夜", "花", 90, "D minor"),
        ("night_bus.wav", None, "night bus", None, None),
        ("artist_-_title_-_master.wav", "artist", "title - master", None, None),
        ("Jay-Z - 99 Problems (Radio Edit).mp3", "Jay-Z", "99 Problems (Radio Edit)", None, None),
        ("50 Cent - In Da Club.mp3", "50 Cent", "In Da Club", None, None),
        ("kyoto-120bpm-dusk.wav", None, "kyoto-dusk", 120, None),
        ("Idea 92.5 BPM Gbmaj.wav", None, "Idea", 92.5, "F# major"),
        ("Song [Fm] 174bpm.wav", None, "Song", 174, "F minor"),
        ("Song (120 bpm, A minor).wav", None, "Song", 120, "A minor"),
        ("Track at 120 bpm.wav", None, "Track", 120, None),
        ("90 F#m idea.wav", None, "idea", 90, "F# minor"),
        ("BPM 120.wav", None, None, 120, None),
        ("Song in A minor.wav", None, None, None, "A minor"),
        ("Sonata in C major Op. 3.wav", None, None, None, "C major"),
        ("Symphony 104 D major.flac", None, None, None, "D major"),
    ],
)
def test_a_name_is_read(
    filename: str, artist: str | None, title: str | None, tempo_bpm: float | None, key: str | None
):
    assert read_name(filename) == FromName(title, artist, tempo_bpm, key)


@pytest.mark.parametrize(
    "filename",
    [
        *("1999.mp3", "Track 128.wav", "A minor inconvenience.wav", "99 Problems.mp3"),
        *("Night Bus.wav", "Song - Instrumental.wav", "Kick.wav", "Take 2B.wav", "7 rings.mp3"),
        *("Room 101 Am I.wav", "Caught In A Minor Storm.wav", "311 - Amber.mp3", "140 Am.wav"),
        *("Prince - 1999.mp3", "E minor blues.wav", "2026-11-03 rehearsal.wav", "A Minor.wav"),
        *("2026_11_03 - rehearsal.wav", "0––0.wav"),
        *("Song 120bpm 140bpm.wav", "a - b - c.wav", "@home.wav", "-.wav", "..wav", "", "x" * 900),
    ],
)
def test_what_could_mean_something_else_is_not_read(filename: str):
    assert read_name(filename) == NOTHING


def test_a_name_of_a_person_is_no_key():
    assert read_name("Fatima Amin - Song.wav") == FromName("Song", "Fatima Amin")
    assert read_name("I Am 120 BPM.wav").key is None


def test_nothing_is_read_of_a_name_that_was_erased():
    assert read_name(None) == NOTHING


@given(names)
@example("Artist - Title (120bpm Am) (120bpm Am).wav")
@example("0–-0 120bpm")
def test_whatever_is_read_stands_in_the_name_in_this_order(filename: str):
    said = read_name(filename)
    written = "".join(_plain(filename))
    for text in (said.title, said.artist):
        assert text is None or (text == text.strip() and _in_order(_plain(text), written))
    assert said.artist is None or said.title is not None
    assert said.key in (None, *KEYS)
    if said.tempo_bpm is not None:
        assert f"{said.tempo_bpm:g}" in written.replace(",", ".")


def _plain(text: str) -> str:
    """Without the differences that reading makes: wide letters, and what stands for a space."""
    wide = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
    return "".join(text.translate(wide).replace("_", " ").replace("\0", " ").split())


def _in_order(letters: str, text: str) -> bool:
    rest = iter(text)
    return all(letter in rest for letter in letters)
