"""Tags go into a new version of the file; the sound in it is the same to the byte."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutagen.id3 import ID3, TIT2
from mutagen.oggvorbis import OggVorbis

from gateways.audio.decode import Blocks, Decoder
from gateways.audio.errors import AudioRefused
from gateways.audio.facts import FileTags
from gateways.audio.patched import Patched
from gateways.audio.pool import AudioPool
from tests.fixtures.audio_corpus import tone, write_encoded
from tests.fixtures.tag_corpus import write_tag_corpus

NEW = {
    "title": "Canção 東京", "artist": "Ib", "album": "Undertow", "year": 1999, "genre": "Dub",
    "track": 5, "tempo_bpm": 93.5, "key": "C# minor", "isrc": "GBAYE0000351", "album_artist": "Us",
    "disc": 1, "composer": "Ib & Ona", "label": "Small Hours", "copyright": "1999 Small Hours",
    "comment": "a longer note " * 200,
}  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_tag_corpus(tmp_path_factory.mktemp("tagged"))


def rewritten(
    pool: AudioPool, path: Path, changes: dict[str, object]
) -> tuple[Path, tuple[str, ...]]:
    chunks: list[bytes] = []
    made = pool.rewrite(path, changes, chunks.append)
    copy = path.with_name(f"new-{path.name}")
    copy.write_bytes(b"".join(chunks))
    return copy, made.left_out


def samples(path: Path) -> np.ndarray:
    with path.open("rb") as file:
        decoder = Decoder(file)
        blocks = list(Blocks(decoder, decoder.sample_rate_hz))
        decoder.close()
    return np.concatenate(blocks)


NAMES = (
    *("ID3v1", "ID3v2.2", "ID3v2.3", "ID3v2.4", "FLAC", "Ogg Vorbis", "Opus", "MP4"),
    *("WAV ID3", "AIFF ID3", "WAV INFO", "WAV bext"),
)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_is_read_back_and_the_sound_is_the_same(
    pool: AudioPool, files: dict[str, Path], name: str
) -> None:
    original = files[name].read_bytes()
    copy, left_out = rewritten(pool, files[name], NEW)
    assert left_out == ()
    before, after = pool.probe(files[name]), pool.probe(copy)
    assert after.tags == FileTags.model_validate(NEW)
    assert (after.pictures, after.cover) == (before.pictures, before.cover)
    assert np.array_equal(samples(copy), samples(files[name]))
    assert files[name].read_bytes() == original


@pytest.mark.parametrize("name", ["ID3v2.3", "FLAC", "Opus", "MP4", "AIFF ID3"])
def test_what_is_cleared_is_taken_out_and_the_rest_stays(
    pool: AudioPool, files: dict[str, Path], name: str
) -> None:
    cleared = dict.fromkeys(("comment", "label", "tempo_bpm", "disc"))
    copy, left_out = rewritten(pool, files[name], cleared)
    before = pool.probe(files[name]).tags
    assert left_out == ()
    assert pool.probe(copy).tags == before.model_copy(update=cleared)


def test_what_riff_info_says_beside_id3_is_given_up_as_well(
    pool: AudioPool, files: dict[str, Path]
) -> None:
    copy, left_out = rewritten(pool, files["WAV INFO"], {"album": None, "title": "New"})
    said = pool.probe(copy).tags
    assert (left_out, said.title, said.album) == ((), "New", None)
    assert b"Tide" not in copy.read_bytes()


def test_what_a_file_may_not_say_is_left_out_and_nothing_breaks(
    pool: AudioPool, files: dict[str, Path]
) -> None:
    """A musician may say the year 9000; of a file we believe less."""
    copy, left_out = rewritten(pool, files["FLAC"], {"year": 9000, "title": "New"})
    assert left_out == ("year",)
    assert pool.probe(copy).tags.title == "New"


def test_an_older_id3_stays_as_old_and_totals_stay(pool: AudioPool, files: dict[str, Path]) -> None:
    copy, _ = rewritten(pool, files["ID3v2.3"], {"track": 4, "year": 2001})
    assert ID3(copy, translate=False).version == (2, 3, 0)
    assert str(ID3(copy)["TRCK"]) == "4/9"
    ogg, _ = rewritten(pool, files["Ogg Vorbis"], {"track": 4})
    assert OggVorbis(ogg)["tracknumber"] == ["4/9"]


def test_what_is_no_sound_is_not_rewritten(pool: AudioPool, tmp_path: Path) -> None:
    (tmp_path / "a.mp3").write_bytes(b"ID3\x03\0\0\0\0\0\0<html>" * 500)
    with pytest.raises(AudioRefused):
        pool.rewrite(tmp_path / "a.mp3", {"title": "x"}, lambda chunk: None)


def test_tags_before_much_sound_grow_in_flat_memory(tmp_path: Path) -> None:
    """What was moved to make room is noted by its place, not held."""
    path = write_encoded(tmp_path / "a.mp3", tone(1))
    ID3(path).delete(path)
    with path.open("ab") as file:
        file.truncate(200 * 1024 * 1024)
    with path.open("rb") as file:
        copy = Patched(file)
        tags = ID3()
        tags.add(TIT2(text="Tide"))
        tags.save(copy)
        held = sum(len(piece.written) for piece in copy._pieces if piece.written is not None)
        moved = copy.seek(0, io.SEEK_END) - path.stat().st_size
    assert moved > 1000
    assert held < 2 * 1024 * 1024


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("seek"), st.integers(0, 80)),
        st.tuples(st.just("write"), st.binary(max_size=20)),
        st.tuples(st.just("read"), st.integers(0, 40)),
        st.tuples(st.just("move"), st.integers(0, 60)),
        st.tuples(st.just("truncate"), st.integers(0, 70)),
    ),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=60), steps=STEPS)
def test_a_patched_file_is_what_a_real_one_would_be(data: bytes, steps: list) -> None:
    real, ours = io.BytesIO(data), Patched(io.BytesIO(data))
    for step, value in steps:
        answers = []
        for file in (real, ours):
            match step:
                case "seek":
                    answers.append(file.seek(value))
                case "write":
                    answers.append(file.write(value))
                case "read":
                    answers.append(file.read(value))
                case "truncate":
                    file.truncate(min(value, file.seek(0, io.SEEK_END)))
                    answers.append(file.tell())
                case "move":
                    moved = file.read(20)
                    file.seek(value)
                    answers.append(file.write(moved))
        assert answers[0] == answers[1], (step, value)
    assert b"".join(ours.chunks()) == real.getvalue()
