"""Tags that lie where few look, several values in one field, and files that say it twice: what is
read, and that nothing in the file says what was before once tags were written.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutagen import id3
from mutagen.flac import FLAC
from mutagen.mp4 import MP4, MP4FreeForm
from mutagen.oggvorbis import OggVorbis

from gateways.audio.decode import Decoder
from gateways.audio.facts import Accepted, FileTags, Refused, Rewritten
from gateways.audio.probe import probe
from gateways.audio.tag_values import to_tags
from gateways.audio.tag_writer import rewrite
from gateways.audio.tags import read_places, said_by
from tests.fixtures.audio_corpus import tone, write_encoded, write_wav
from tests.fixtures.odd_tags import ODD, id3v1, id3v2, write_odd_tag_corpus
from tests.fixtures.tag_corpus import write_tag_corpus

TWO = ("Ada Okoye", "Benno Ruiz")


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_odd_tag_corpus(tmp_path_factory.mktemp("odd"))


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory, odd: dict[str, Path]) -> dict[str, Path]:
    return write_tag_corpus(tmp_path_factory.mktemp("tagged")) | odd


def probed(path: Path) -> Accepted:
    with path.open("rb") as file:
        found = probe(file)
    assert isinstance(found, Accepted), found
    return found


def rewritten(path: Path, changes: dict[str, Any]) -> tuple[Path, Rewritten]:
    chunks: list[bytes] = []
    with path.open("rb") as file:
        made = rewrite(file, changes, chunks.append)
    assert isinstance(made, Rewritten), made
    copy = path.with_name(f"new-{path.name}")
    copy.write_bytes(b"".join(chunks))
    return copy, made


def said_in_each_place(path: Path) -> list[FileTags]:
    with path.open("rb") as file:
        decoder = Decoder(file)
        decoder.close()
        return [said_by(one) for one in read_places(file, decoder.demuxer, decoder.codec)]


def an_mp3(path: Path, version: int, *frames: id3.Frame, separator: str | None = None) -> Path:
    write_encoded(path, tone(0.3))
    tags = id3.ID3()
    for frame in frames:
        tags.add(frame)
    tags.save(path, v1=0, v2_version=version, v23_sep=separator)
    return path


ODD_NAMES = (
    *("APE", "APE without a header", "APE before the sound", "APE and ID3v1"),
    *("ID3v2, APE and ID3v1", "two ID3v2", "ID3v2 behind the sound", "ID3v2 on both sides"),
    *("a poor ID3v2 and ID3v1", "Lyrics3", "INFO without padding", "RF64", "bext and INFO"),
    *("AIFF texts", "FLAC in ID3", "COVERART"),
)


def test_every_odd_file_has_its_test(odd: dict[str, Path]) -> None:
    assert set(odd) == set(ODD_NAMES)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_tags_in_a_place_where_few_look_are_read(odd: dict[str, Path], name: str) -> None:
    found = probed(odd[name])
    expected = {key: text for key, text in ODD.items() if (name, key) != ("AIFF texts", "album")}
    assert expected.items() <= found.tags.model_dump().items()
    gain_db = found.audio.replay_gain_track_db
    assert gain_db == (-6.54 if "APE" in name else None)
    assert (found.cover is not None) == (name == "COVERART")


CHANGES: list[dict[str, Any]] = [
    {"title": "After The Edit", "year": 2001, "comment": "second take", "track": 4},
    {"artist": ", ".join(TWO), "artists": TWO},
    {"genre": "House, Techno", "genres": ("House", "Techno")},
    {"artist": "Ada Okoye & Benno Ruiz", "artists": TWO},
    {"title": "東京 " + "long " * 30, "artist": "Foo Bar/Baz Qux", "comment": "x" * 400},
    {"title": None, "album": None, "comment": None, "year": None, "track": None},
]  # fmt: skip


@pytest.mark.parametrize("changes", CHANGES)
def test_no_place_of_the_file_says_what_was_before(
    every: dict[str, Path], changes: dict[str, Any]
) -> None:
    """Every place says what was written, or nothing; and what was not written stays."""
    for name, path in every.items():
        before = probed(path)
        copy, made = rewritten(path, changes)
        after = probed(copy)
        wanted = {"artists": None, "genres": None, **changes}
        assert made.left_out == (), name
        assert made.tags == after.tags, name
        for field in wanted:
            if field in changes:
                value = getattr(after.tags, field)
                assert value == getattr(FileTags.model_validate(changes), field), (name, field)
                said = {getattr(one, field) for one in said_in_each_place(copy)}
                assert said <= {value, None}, (name, field)
        kept = FileTags.model_fields.keys() - changes.keys() - {"artists", "genres"}
        for field in kept:
            assert getattr(after.tags, field) == getattr(before.tags, field), (name, field)
        assert (after.pictures, after.audio.duration_s) == (
            before.pictures,
            before.audio.duration_s,
        ), name
        assert after.audio.replay_gain_track_db == before.audio.replay_gain_track_db, name


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=40)
NAMES = st.lists(TEXT, min_size=2, max_size=4, unique=True)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(title=TEXT, names=NAMES, year=st.integers(1000, 2999), at=st.integers(0, 100))
def test_whatever_is_written_is_read_in_every_place_of_any_container(
    every: dict[str, Path], title: str, names: list[str], year: int, at: int
) -> None:
    path = list(every.values())[at % len(every)]
    changes = {"title": title, "artist": ", ".join(names), "artists": names, "year": year}
    copy, made = rewritten(path, changes)
    wanted = FileTags.model_validate(changes)
    assert made.left_out == ()
    for said in (probed(copy).tags, *said_in_each_place(copy)):
        for field in changes:
            assert getattr(said, field) in (getattr(wanted, field), None)
    assert probed(copy).tags.artists == tuple(names)


def test_rewriting_the_info_title_of_a_wav_leaves_no_second_title(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", tone(0.3))
    body = b"INFO" + b"INAM" + struct.pack("<I", 14) + b"Working Title\0"
    data = path.read_bytes() + b"LIST" + struct.pack("<I", len(body)) + body
    path.write_bytes(data[:4] + struct.pack("<I", len(data) - 8) + data[8:])
    copy, _ = rewritten(path, {"title": "After The Edit"})
    written = copy.read_bytes()
    assert b"Working Title" not in written
    assert b"INAM" + struct.pack("<I", 15) + b"After The Edit\0" in written
    assert struct.unpack_from("<I", written, 4) == (len(written) - 8,)


def test_tags_of_a_recording_to_a_pipe_go_before_its_endless_sound(tmp_path: Path) -> None:
    """Behind it they would be read as sound."""
    data = bytearray(write_wav(tmp_path / "a.wav", tone(0.3)).read_bytes())
    data[4:8] = data[40:44] = b"\xff\xff\xff\xff"
    path = tmp_path / "piped.wav"
    path.write_bytes(data)
    copy, made = rewritten(path, {"title": "Piped"})
    assert (made.left_out, probed(copy).tags.title) == ((), "Piped")
    assert probed(copy).audio.duration_s == pytest.approx(0.3)


def test_a_file_without_a_place_for_tags_says_so_and_not_that_it_is_damaged(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.w64"
    write_encoded(path.with_suffix(".wav"), tone(0.3))
    path.write_bytes(as_wave64(path.with_suffix(".wav").read_bytes()))
    assert probed(path).audio.duration_s == pytest.approx(0.3)
    with path.open("rb") as file:
        refused = rewrite(file, {"title": "New"}, lambda chunk: None)
    assert isinstance(refused, Refused)
    assert refused.code == "tags-not-writable"


def as_wave64(wav: bytes) -> bytes:
    """Names of 16 and sizes of 8 bytes, all at places that 8 divides."""
    tail = bytes.fromhex("f3acd3118cd100c04f8edb8a")
    riff = b"riff" + bytes.fromhex("2e91cf11a5d628db04c10000")
    at = wav.index(b"data")
    chunks = b""
    for name, data in ((b"fmt ", wav[20:36]), (b"data", wav[at + 8 :])):
        chunks += name + tail + struct.pack("<Q", len(data) + 24) + data + bytes(-len(data) % 8)
    body = b"wave" + tail + chunks
    return riff + struct.pack("<Q", len(body) + 24) + body


@pytest.mark.parametrize("version", [3, 4])
def test_several_artists_and_genres_of_an_mp3_stay_several(tmp_path: Path, version: int) -> None:
    frames = id3.TPE1(text=list(TWO)), id3.TCON(text=["House", "Techno"])
    tags = probed(an_mp3(tmp_path / "a.mp3", version, *frames)).tags
    assert (tags.artists, tags.genres) == (TWO, ("House", "Techno"))
    assert (tags.artist, tags.genre) == ("Ada Okoye, Benno Ruiz", "House, Techno")


@pytest.mark.parametrize(
    ("text", "artists"),
    [
        ("Ada Okoye/Benno Ruiz", TWO),
        ("Ada / Benno", ("Ada", "Benno")),
        ("AC/DC", None),
        ("Love/Hate", None),
        ("Simon & Garfunkel", None),
        ("Tyler, The Creator", None),
    ],
)
def test_a_slash_in_id3v23_separates_full_names_and_leaves_acdc_whole(
    tmp_path: Path, text: str, artists: tuple[str, ...] | None
) -> None:
    tags = probed(an_mp3(tmp_path / "a.mp3", 3, id3.TPE1(text=text))).tags
    assert tags.artists == artists
    assert tags.artist == (", ".join(artists) if artists else text)


def test_a_slash_in_id3v24_is_part_of_the_name(tmp_path: Path) -> None:
    tags = probed(an_mp3(tmp_path / "a.mp3", 4, id3.TPE1(text="Ada Okoye/Benno Ruiz"))).tags
    assert (tags.artist, tags.artists) == ("Ada Okoye/Benno Ruiz", None)


@pytest.mark.parametrize(
    ("credit", "shown", "artists"),
    [
        ("Ada Okoye feat. Benno Ruiz", "Ada Okoye feat. Benno Ruiz", TWO),
        ("Ada Okoye", "Ada Okoye, Benno Ruiz", TWO),
        ("Somebody Else", "Somebody Else", None),
    ],
)
def test_a_list_beside_the_credit_counts_unless_it_was_left_behind(
    tmp_path: Path, credit: str, shown: str, artists: tuple[str, ...] | None
) -> None:
    frames = id3.TPE1(text=credit), id3.TXXX(desc="Artists", text=list(TWO))
    tags = probed(an_mp3(tmp_path / "a.mp3", 4, *frames)).tags
    assert (tags.artist, tags.artists) == (shown, artists)


def test_several_values_stay_several_in_vorbis_comments_and_mp4(tmp_path: Path) -> None:
    ogg = OggVorbis(write_encoded(tmp_path / "a.ogg", tone(0.3)))
    flac = FLAC(write_encoded(tmp_path / "a.flac", tone(0.3)))
    for opened in (ogg, flac):
        opened["artist"], opened["genre"] = list(TWO), ["House", "Techno"]
        opened["composer"] = ["Klara", "Juno"]
        opened.save()
    mp4 = MP4(write_encoded(tmp_path / "a.m4a", tone(0.3)))
    mp4["\xa9ART"], mp4["\xa9gen"] = list(TWO), ["House", "Techno"]
    mp4["\xa9wrt"] = ["Klara", "Juno"]
    mp4.save()
    listed = MP4(write_encoded(tmp_path / "b.m4a", tone(0.3)))
    listed["\xa9ART"], listed["\xa9gen"] = "Ada Okoye & Benno Ruiz", ["House", "Techno"]
    listed["\xa9wrt"] = ["Klara", "Juno"]
    names = [MP4FreeForm(name.encode()) for name in TWO]
    listed["----:com.apple.iTunes:ARTISTS"] = names
    listed.save()
    for name in ("a.ogg", "a.flac", "a.m4a", "b.m4a"):
        tags = probed(tmp_path / name).tags
        assert (tags.artists, tags.genres) == (TWO, ("House", "Techno")), name
        assert tags.composer == "Klara, Juno", name


def test_what_only_the_demuxer_reads_is_the_fallback_of_every_field(tmp_path: Path) -> None:
    with write_wav(tmp_path / "a.wav", tone(0.3)).open("rb") as file:
        from gateways.audio.tags import read_tags

        said = {
            "title": "T", "artist": "A", "album": "B", "date": "2019-04-01", "genre": "Dub",
            "track": "3/9", "TBPM": "128 BPM", "TKEY": "Am", "TSRC": "USRC17607839",
            "album_artist": "V", "disc": "2/2", "composer": "C", "publisher": "L",
            "copyright": "R", "comment": "note",
        }  # fmt: skip
        found = read_tags(file, "wav", "pcm_s16le", said)
    assert found.tags.model_dump(exclude_none=True) == {
        "title": "T", "artist": "A", "album": "B", "year": 2019, "genre": "Dub", "track": 3,
        "tempo_bpm": 128.0, "key": "A minor", "isrc": "USRC17607839", "album_artist": "V",
        "disc": 2, "composer": "C", "label": "L", "copyright": "R", "comment": "note",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("written", "bpm"),
    [
        ("128 BPM", 128), ("128.00", 128), ("128,5 bpm", 128.5), ("~128", 128), ("128bpm", 128),
        ("BPM: 128", 128), ("ca. 93", 93), ("≈ 140 bpm", 140), (" 99.5 ", 99.5), (128, 128),
        ("fast", None), ("1e9", None), ("128/64", None), ("", None), ("12", None), ("nan", None),
    ],
)  # fmt: skip
def test_a_tempo_with_its_unit_is_a_tempo(written: object, bpm: float | None) -> None:
    assert to_tags({"tempo_bpm": [[written]]}).tempo_bpm == bpm


def test_two_tags_that_disagree_are_read_as_players_do(tmp_path: Path) -> None:
    """ID3v2 in front counts before the others, and each fills what the one before leaves open."""
    sound = write_encoded(tmp_path / "a.mp3", tone(0.3))
    id3.ID3(sound).delete(sound)
    front = id3v2({"title": "First"}) + id3v2({"title": "Second", "artist": "Ona"})
    path = tmp_path / "b.mp3"
    path.write_bytes(front + sound.read_bytes() + id3v1("Third", "Ib", "Tide"))
    tags = probed(path).tags
    assert (tags.title, tags.artist, tags.album) == ("First", "Ona", "Tide")
