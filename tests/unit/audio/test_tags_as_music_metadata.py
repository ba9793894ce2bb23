"""Field by field as npm music-metadata reads the same files; where we differ, why is said here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateways.audio.facts import Accepted
from gateways.audio.keys import normalise_key
from gateways.audio.pool import AudioPool
from tests.fixtures.tag_corpus import GOLDEN, write_tag_corpus

SAID: dict[str, dict[str, Any]] = json.loads(GOLDEN.read_text())
# (format, field): what we say instead, and why.
DIFFERENT: dict[tuple[str, str], tuple[Any, str]] = {
    ("ID3v2.2", "key"): ("A minor", "TKE is in the standard, §4.2.1; they leave it out"),
    ("ID3v2.2", "isrc"): ("USRC17607839", "TRC is in the standard, §4.2.1; they leave it out"),
    ("Ogg Vorbis", "encoder"): ("Reel 4", "a comment named encoder, which they pass over"),
    ("Opus", "encoder"): ("Reel 4", "a comment named encoder, which they pass over"),
    ("MP4", "pictures"): (
        [["front cover", "image/png", 44]],
        "MP4 names no kind of picture; what it holds is shown as the front cover",
    ),
    ("MP4", "key"): ("A minor", "the atom that Serato, Traktor and Mixed In Key write"),
    ("MP4", "bit_depth"): (None, "AAC keeps no samples: the 16 in its header means nothing"),
    ("WAV INFO", "title"): ("Água de beber", "it is UTF-8; they read bytes as Latin-1"),
    ("WAV INFO", "composer"): ("Jobim", "IMUS, which they pass over"),
    ("WAV INFO", "copyright"): ("2021 Elenco", "ICOP, which they pass over"),
    ("WAV bext", "comment"): ("Kora, second take", "the description, native only with them"),
    ("WAV bext", "encoder"): ("Nagra VI", "the originator, native only with them"),
    ("WAV bext", "year"): (2019, "of the origination date, native only with them"),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_tag_corpus(tmp_path_factory.mktemp("tagged"))


@pytest.mark.parametrize("name", SAID)
def test_every_field_is_read_as_music_metadata_reads_it(
    pool: AudioPool, files: dict[str, Path], name: str
) -> None:
    probe = pool.probe(files[name])
    assert isinstance(probe, Accepted), probe
    ours, theirs = _our_fields(probe), dict(SAID[name])
    assert ours.pop("duration_s") == pytest.approx(theirs.pop("duration_s"), abs=0.08)
    theirs["key"] = normalise_key(theirs["key"])  # they give the spelling, we the key
    expected = theirs | {
        field: value for (format_, field), (value, _) in DIFFERENT.items() if format_ == name
    }
    assert ours == expected


def _our_fields(probe: Accepted) -> dict[str, Any]:
    audio = probe.audio.model_dump()
    pictures = [[each.kind, each.media_type, len(each.data)] for each in probe.pictures]
    return probe.tags.model_dump(exclude={"artists", "genres"}) | {
        "pictures": pictures,
        **{name: audio[name] for name in _OF_SOUND},
    }


_OF_SOUND = (
    *("sample_rate_hz", "channels", "bit_depth", "duration_s"),
    *("encoder", "replay_gain_track_db", "replay_gain_album_db"),
)


def test_a_listed_difference_is_a_difference() -> None:
    for (name, field), (value, reason) in DIFFERENT.items():
        assert SAID[name][field] != value, f"{name} {field}: no longer different"
        assert len(reason) > 20
