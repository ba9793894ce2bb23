"""Several files as one zip that is made while it is sent."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from read_api.vault.archive import MAX_NAME_BYTES, CutOff, Entry, safe_name, safe_names, zipped

AT = datetime(2026, 5, 4, 12, 30, 8, tzinfo=UTC)


def entry(name: str, *pieces: bytes, size: int | None = None) -> Entry:
    whole = sum(map(len, pieces)) if size is None else size
    return Entry(name, whole, AT, partial(iter, pieces))


def test_the_zip_holds_every_file_unchanged_and_in_order():
    entries = [entry("a.wav", b"one", b"two"), entry("Übung.flac", b"\x00" * 70_000)]
    with zipfile.ZipFile(io.BytesIO(b"".join(zipped(entries)))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["a.wav", "Übung.flac"]
        assert archive.read("a.wav") == b"onetwo"
        assert archive.read("Übung.flac") == b"\x00" * 70_000
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
        assert {info.date_time for info in archive.infolist()} == {(2026, 5, 4, 12, 30, 8)}


def test_each_file_may_be_larger_than_four_gigabytes():
    """A zip of version 4.5 has sizes of 64 bits, which a stream must say before it knows them."""
    begins = next(zipped([entry("a.wav", b"sound")]))
    assert begins[:4] == b"PK\x03\x04"
    assert int.from_bytes(begins[4:6], "little") == zipfile.ZIP64_VERSION


def test_a_piece_goes_out_before_the_next_is_read():
    read: list[int] = []

    def pieces() -> Iterator[bytes]:
        for number in range(3):
            read.append(number)
            yield b"x" * 1000

    parts = zipped([Entry("a.wav", 3000, AT, pieces)])
    next(parts)
    assert read == [0]


def test_a_reader_who_leaves_ends_the_reading():
    ended: list[str] = []

    def pieces() -> Iterator[bytes]:
        try:
            yield b"x"
            yield b"y"
        finally:
            ended.append("closed")

    parts = zipped([Entry("a.wav", 2, AT, pieces), Entry("b.wav", 2, AT, pieces)])
    next(parts)
    parts.close()
    assert ended == ["closed"]


@pytest.mark.parametrize("pieces", [(b"sho",), (b"too ", b"long")], ids=["short", "long"])
def test_a_file_that_is_cut_off_does_not_end_in_a_good_zip(pieces: tuple[bytes, ...]):
    got: list[bytes] = []
    parts = zipped([entry("a.wav", b"whole"), entry("b.wav", *pieces, size=5)])
    with pytest.raises(CutOff, match=r"b\.wav"):
        got.extend(parts)
    assert b"whole" in b"".join(got)
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(b"".join(got)))


@pytest.mark.parametrize(
    ("given_name", "safe"),
    [
        ("Kick.wav", "Kick.wav"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("/abs/olute.flac", "olute.flac"),
        ("..", "track"),
        ("", "track"),
        ('a<b>c:d"e|f?g*.wav', "a_b_c_d_e_f_g_.wav"),
        ("line\nbreak\x00.mp3", "line_break_.mp3"),
        ("dots and spaces. . ", "dots and spaces"),
        ("CON", "_CON"),
        ("com1.wav", "_com1.wav"),
        ("console.wav", "console.wav"),
        ("\u202e3pm.exe", "3pm.exe"),
        ("Cafe\u0301.flac", "Café.flac"),
        ("東京の夜.flac", "東京の夜.flac"),
    ],
)
def test_a_name_is_one_that_every_system_takes(given_name: str, safe: str):
    assert safe_name(given_name) == safe


def test_files_of_the_same_name_are_numbered_where_case_does_not_count():
    names = ["Mix.wav", "mix.WAV", "Mix.wav", "Mix (2).wav"]
    assert safe_names(names) == ["Mix.wav", "mix (2).WAV", "Mix (3).wav", "Mix (2) (2).wav"]


def test_a_long_name_is_cut_between_letters_and_keeps_its_suffix_and_number():
    first, second = safe_names(["é" * 300 + ".flac"] * 2)
    assert first == "é" * 125 + ".flac"
    assert second == "é" * 123 + " (2).flac"


@given(st.lists(st.text(max_size=300), max_size=6))
def test_no_name_leads_out_of_the_folder_or_over_another(filenames: list[str]):
    names = safe_names(filenames)
    assert len({name.casefold() for name in names}) == len(filenames)
    for name in names:
        assert 0 < len(name.encode()) <= MAX_NAME_BYTES
        assert not set(name) & set('/\\:*?"<>|\0')
        assert name not in (".", "..")
        assert name == name.rstrip(". ")
