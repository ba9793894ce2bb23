"""What files of each format say about themselves arrives field by field."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from mutagen.id3 import ID3, TBPM, TIT2, TXXX
from mutagen.mp3 import MP3

from gateways.audio.facts import Accepted, FileTags
from gateways.audio.pool import AudioPool
from runtime.demo_music import TrackTruth
from tests.fixtures.audio_corpus import tone, write_encoded, write_wav


def _accepted(pool: AudioPool, path: Path) -> Accepted:
    probe = pool.probe(path)
    assert isinstance(probe, Accepted), probe
    return probe


def test_every_format_of_the_corpus_gives_back_every_tag(
    pool: AudioPool, corpus: list[TrackTruth]
) -> None:
    assert {truth.path.suffix for truth in corpus} == {
        ".flac", ".mp3", ".wav", ".m4a", ".ogg", ".opus", ".aiff",
    }  # fmt: skip
    for index, truth in enumerate(corpus):
        has_measurable = index % 2 == 0
        probe = _accepted(pool, truth.path)
        assert probe.tags == FileTags(
            title=truth.title,
            artist=truth.artist,
            album=truth.album,
            year=truth.year,
            genre=truth.genre,
            track=truth.track,
            tempo_bpm=truth.tempo_bpm if has_measurable else None,
            key=truth.key if has_measurable else None,
            isrc=truth.isrc,
        ), truth.path.name
        assert (probe.cover is not None) == truth.has_cover, truth.path.name


def test_the_decoded_sound_is_described_as_it_was_made(
    pool: AudioPool, corpus: list[TrackTruth]
) -> None:
    codecs = {".wav": "pcm_s16le", ".aiff": "pcm_s16be", ".m4a": "aac", ".ogg": "vorbis"}
    for truth in corpus:
        suffix = truth.path.suffix
        audio = _accepted(pool, truth.path).audio
        assert audio.duration_s == pytest.approx(truth.duration_s, abs=0.06)
        assert audio.codec == codecs.get(suffix, suffix[1:])
        assert audio.sample_rate_hz == (48_000 if suffix == ".opus" else 44_100)
        assert (audio.channels, audio.truncated) == (2, False)
        assert audio.bitrate_bps is not None
        assert 60_000 < audio.bitrate_bps < 1_500_000


def test_a_cover_is_what_its_bytes_are(pool: AudioPool, corpus: list[TrackTruth]) -> None:
    cover = _accepted(pool, corpus[0].path).cover
    assert cover is not None
    assert cover.media_type == "image/png"
    assert cover.data.startswith(b"\x89PNG")


@pytest.mark.parametrize("version", [3, 4])
def test_mp3_tags_of_both_id3_versions_are_read(
    pool: AudioPool, tmp_path: Path, version: int
) -> None:
    path = write_encoded(tmp_path / "a.mp3", tone(1))
    tags = ID3()
    tags.add(TIT2(text="Café del Norte"))
    tags.add(TBPM(text="128"))
    tags.add(TXXX(desc="initialkey", text="4A"))
    tags.save(path, v2_version=version)
    read = _accepted(pool, path).tags
    assert (read.title, read.tempo_bpm, read.key) == ("Café del Norte", 128.0, "F minor")


def test_an_mp3_with_nothing_but_the_old_tag_at_its_end_is_read(
    pool: AudioPool, tmp_path: Path
) -> None:
    path = write_encoded(tmp_path / "a.mp3", tone(1))
    MP3(path).delete()
    old = b"TAG" + b"Old Title".ljust(30, b"\0") + b"Old Artist".ljust(30, b"\0")
    old += b"Old Album".ljust(30, b"\0") + b"1997" + bytes(28) + b"\0\x07" + b"\x11"
    path.write_bytes(path.read_bytes() + old)
    read = _accepted(pool, path).tags
    assert (read.title, read.artist, read.album) == ("Old Title", "Old Artist", "Old Album")
    assert (read.year, read.track, read.genre) == (1997, 7, "Rock")


def test_what_a_wav_keeps_in_its_info_chunk_is_read(pool: AudioPool, tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", tone(1))
    fields = {b"INAM": b"Tape Seven", b"IART": b"Ona", b"IGNR": b"Dub", b"ICRD": b"1981-03-02"}
    chunks = b"".join(
        name + struct.pack("<I", len(text) + 1) + text + b"\0" * (2 - len(text) % 2)
        for name, text in fields.items()
    )
    info = b"LIST" + struct.pack("<I", len(chunks) + 4) + b"INFO" + chunks
    data = path.read_bytes() + info
    path.write_bytes(data[:4] + struct.pack("<I", len(data) - 8) + data[8:])
    read = _accepted(pool, path).tags
    assert (read.title, read.artist) == ("Tape Seven", "Ona")
    assert (read.genre, read.year) == ("Dub", 1981)


def test_senseless_tags_cost_neither_the_file_nor_the_good_ones(
    pool: AudioPool, tmp_path: Path
) -> None:
    path = write_encoded(tmp_path / "a.mp3", tone(1))
    tags = ID3()
    tags.add(TIT2(text="Fine"))
    tags.add(TBPM(text="fast"))
    tags.add(TXXX(desc="ISRC", text="US-RC1-76-07839"))
    tags.save(path)
    read = _accepted(pool, path).tags
    assert (read.title, read.tempo_bpm, read.isrc) == ("Fine", None, "USRC17607839")
