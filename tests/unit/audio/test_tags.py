"""What files of each format say about themselves arrives field by field."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from mutagen.id3 import APIC, ID3, TBPM, TIT2, TXXX
from mutagen.mp3 import MP3
from mutagen.oggopus import OggOpus

from gateways.audio.cpu import within_cpu
from gateways.audio.facts import Accepted, FileTags
from gateways.audio.pictures import fit_media_type
from gateways.audio.pool import AudioPool
from gateways.audio.promised import stated_duration_s
from gateways.audio.tags import read_tags
from runtime.demo_music import TrackTruth
from tests.fixtures.audio_corpus import tag_bomb, tone, write_encoded, write_wav


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


def test_a_broadcast_wave_tells_its_description_recorder_and_date(
    pool: AudioPool, tmp_path: Path
) -> None:
    bext = b"Kora, second take".ljust(256, b"\0") + b"Nagra VI".ljust(32, b"\0") + bytes(32)
    bext += b"2019-11-05" + bytes(302)
    path = write_wav(tmp_path / "a.wav", tone(1))
    data = path.read_bytes() + b"bext" + struct.pack("<I", len(bext)) + bext
    path.write_bytes(data[:4] + struct.pack("<I", len(data) - 8) + data[8:])
    probe = _accepted(pool, path)
    assert (probe.tags.comment, probe.tags.year) == ("Kora, second take", 2019)
    assert (probe.audio.encoder, probe.audio.bit_depth) == ("Nagra VI", 16)


def test_pictures_are_kept_with_their_kind_and_bombs_are_left_out(
    pool: AudioPool, tmp_path: Path
) -> None:
    path = write_encoded(tmp_path / "a.mp3", tone(1))
    tags = ID3()
    for kind, side in ((0, 300), (8, 400), (3, 500), (4, 60_000), (6, 0)):
        tags.add(APIC(mime="image/png", type=kind, desc=str(kind), data=png_of(side)))
    tags.add(APIC(mime="image/png", type=5, desc="svg", data=b"<svg onload=alert(1)>"))
    tags.save(path)
    probe = _accepted(pool, path)
    assert [each.kind for each in probe.pictures] == ["other", "artist", "front cover"]
    assert probe.cover is not None
    assert probe.cover.data == png_of(500)


def test_no_more_than_twelve_pictures_are_kept(pool: AudioPool, tmp_path: Path) -> None:
    path = write_encoded(tmp_path / "a.mp3", tone(1))
    tags = ID3()
    for number in range(40):
        tags.add(APIC(mime="image/png", type=0, desc=str(number), data=png_of(number + 1)))
    tags.save(path)
    assert len(_accepted(pool, path).pictures) == 12


def png_of(side: int) -> bytes:
    """The beginning of a PNG that says it is so many pixels square."""
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", side, side) + bytes(20)


@pytest.mark.parametrize(
    ("picture", "media_type"),
    [
        (
            b"\xff\xd8\xff\xe0\0\x04ab\xff\xff\xc0\0\x0b\x08" + struct.pack(">HH", 90, 70),
            "image/jpeg",
        ),
        (b"\xff\xd8\xff\xc2\0\x0b\x08" + struct.pack(">HH", 9000, 9000), None),
        (b"\xff\xd8\xff\xe0\0\x04ab", None),
        (b"RIFF\0\0\0\0WEBPVP8X" + bytes(8) + b"\x0f\0\0\x1f\0\0", "image/webp"),
        (b"RIFF\0\0\0\0WEBPVP8X" + bytes(8) + b"\xff\xff\0\x1f\0\0", None),
        (b"RIFF\0\0\0\0WEBPVP8L" + bytes(5) + struct.pack("<I", 15 | 31 << 14), "image/webp"),
        (b"RIFF\0\0\0\0WEBPVP8 " + bytes(10) + struct.pack("<HH", 640, 480), "image/webp"),
        (b"GIF89a" + bytes(20), None),
    ],
)  # fmt: skip
def test_a_picture_is_shown_only_if_a_browser_can_hold_it(
    picture: bytes, media_type: str | None
) -> None:
    assert fit_media_type(picture) == media_type


def test_replay_gain_is_read_in_each_formats_own_way(pool: AudioPool, tmp_path: Path) -> None:
    mp3 = write_encoded(tmp_path / "a.mp3", tone(1))
    tags = ID3()
    tags.add(TXXX(desc="replaygain_track_gain", text="-6.48 dB"))
    tags.add(TXXX(desc="REPLAYGAIN_ALBUM_GAIN", text="+1,5 dB"))
    tags.save(mp3)
    opus = write_encoded(tmp_path / "a.opus", tone(1))
    comments = OggOpus(opus)
    comments["R128_TRACK_GAIN"] = "-2560"
    comments.save()
    audio = _accepted(pool, mp3).audio
    assert (audio.replay_gain_track_db, audio.replay_gain_album_db) == (-6.48, 1.5)
    assert _accepted(pool, opus).audio.replay_gain_track_db == -5.0


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


def test_tags_that_take_too_long_are_left_out_and_the_sound_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred thousand frames cost minutes to read; the file is none the worse for it."""
    monkeypatch.setattr("gateways.audio.tags.MAX_CPU_S", 0.2)
    with tag_bomb(tmp_path / "a.mp3").open("rb") as file:
        said = read_tags(file, "mp3", "mp3float")
    assert said.tags == FileTags()


def test_tags_that_take_too_long_do_not_hold_up_the_length_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its header was read with all of its tags, which took over a minute."""
    monkeypatch.setattr("gateways.audio.promised.MAX_CPU_S", 0.2)
    with tag_bomb(tmp_path / "a.mp3").open("rb") as file:
        assert stated_duration_s(file, "mp3") is None


def test_what_swallows_the_first_word_of_being_late_hears_a_second() -> None:
    """Raised within a destructor it is lost: a parser went on for over a minute."""

    def goes_on_forever() -> None:
        while True:
            pass

    with within_cpu(0.05):
        for _ in range(2):
            with pytest.raises(TimeoutError):
                goes_on_forever()
