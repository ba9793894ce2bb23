"""What must hold for any bytes whatever: an answer of the right shape, and no other exception."""

from __future__ import annotations

import os
from collections.abc import Callable

from gateways.audio.decode import MAX_CHANNELS, MAX_SAMPLE_RATE_HZ
from gateways.audio.facts import MAX_COVER_BYTES, MAX_PICTURES, Accepted, Refused
from gateways.audio.peaks import read_zoom
from gateways.audio.probe import probe
from gateways.audio.tag_writer import rewrite
from gateways.audio.tags import Said, read_tags

# How the first byte chooses which of the tag formats is expected of the rest.
FORMATS = (
    ("mp3", "mp3float"),
    ("flac", "flac"),
    ("ogg", "vorbis"),
    ("ogg", "opus"),
    ("ogg", "flac"),
    ("wav", "pcm_s16le"),
    ("aiff", "pcm_s16be"),
    ("mov,mp4,m4a,3gp,3g2,mj2", "aac"),
    ("aac", "aac"),
    ("wav", "pcm_s24le"),
)


def tags(data: bytes) -> None:
    """First byte: the format. Every model validates again from what it says of itself."""
    if not data:
        return
    demuxer, codec = FORMATS[data[0] % len(FORMATS)]
    with _opened(data[1:]) as file:
        said = read_tags(file, demuxer, codec)
    assert isinstance(said, Said)
    for model in (said.tags, said.sound, *said.pictures):
        assert type(model).model_validate(model.model_dump()) == model
    assert len(said.pictures) <= MAX_PICTURES
    assert all(0 < len(picture.data) <= MAX_COVER_BYTES for picture in said.pictures)


def writing(data: bytes) -> None:
    """First byte: what is written. A file whose every place says it, or a refusal."""
    if not data:
        return
    changes = _CHANGES[data[0] % len(_CHANGES)]
    chunks: list[bytes] = []
    with _opened(data[1:]) as file:
        answer = rewrite(file, dict(changes), chunks.append)
    if isinstance(answer, Refused):
        assert len(answer.reason) > 20
        assert chunks == []
        return
    with _opened(b"".join(chunks)) as file:
        written = probe(file)
    assert not isinstance(written, Accepted) or written.tags == answer.tags
    assert set(answer.left_out) <= set(changes)


_CHANGES: tuple[dict[str, object], ...] = (
    {"title": "Tide", "year": 2001},
    {"artist": "Ona, Ib", "artists": ["Ona", "Ib"]},
    {"title": None, "comment": None},
)


def probing(data: bytes) -> None:
    """Accepted with sound in it, or refused with a sentence."""
    with _opened(data) as file:
        answer = probe(file)
    if isinstance(answer, Refused):
        assert len(answer.reason) > 20
        return
    assert isinstance(answer, Accepted)
    assert Accepted.model_validate_json(answer.model_dump_json()) == answer
    assert answer.audio.channels <= MAX_CHANNELS
    assert answer.audio.sample_rate_hz <= MAX_SAMPLE_RATE_HZ


def peaks(data: bytes) -> None:
    """First two bytes: the zoom. A waveform as long as it says, or a ValueError."""
    zoom = int.from_bytes(data[:2], "little")
    try:
        found = read_zoom(data[2:], zoom)
    except ValueError:
        return
    assert len(found["data"]) == 2 * found["length"]  # type: ignore[arg-type,operator]
    assert all(-128 <= value <= 127 for value in found["data"])  # type: ignore[attr-defined]


TARGETS: dict[str, Callable[[bytes], None]] = {
    "tags": tags,
    "write": writing,
    "probe": probing,
    "peaks": peaks,
}


def _opened(data: bytes):  # type: ignore[no-untyped-def]
    """An open file with a descriptor, as the child gets one, but in memory."""
    descriptor = os.memfd_create("fuzzed")
    os.write(descriptor, data)
    return os.fdopen(descriptor, "rb")
