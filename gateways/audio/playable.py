"""Which files every browser of today plays as they are."""

from __future__ import annotations

_PCM = frozenset({"pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le"})
# By container (libavformat's name of it) and codec: Chromium has no demuxer for AIFF and no decoder
# for ALAC. What is not named here is rendered: a needless copy is the worst that can happen.
_PLAYED = {
    "mp3": frozenset({"mp3"}),
    "flac": frozenset({"flac"}),
    "wav": _PCM,
    "ogg": frozenset({"opus", "vorbis"}),
    "aac": frozenset({"aac"}),
    "mov,mp4,m4a,3gp,3g2,mj2": frozenset({"aac"}),
}


def is_playable(demuxer: str, codec: str) -> bool:
    """Do browsers play this codec in this container?"""
    return codec in _PLAYED.get(demuxer, ())
