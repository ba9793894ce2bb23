"""Whether two recordings of one base title are versions of one song. Pure."""

from __future__ import annotations

from schemas.audio.harmony import relatives
from schemas.vault.dto import AssetDto

# Tempi of one song differ by what the measuring does; half and double are the same beat.
SAME_TEMPO = 0.03


def same_song(one: AssetDto, other: AssetDto) -> str | None:
    """Why two recordings of one base title are versions of one song; None if they sound too
    different for that. What is not measured speaks neither for it nor against it."""
    mine, yours = one.effective, other.effective
    reasons = ["same title"]
    if mine.tempo_bpm and yours.tempo_bpm:
        if not _same_beat(mine.tempo_bpm, yours.tempo_bpm):
            return None
        reasons.append("same tempo")
    if mine.key and yours.key:
        if yours.key not in relatives(mine.key):
            return None
        reasons.append("same key" if mine.key == yours.key else "related key")
    artists = {(each.tags.artist or "").casefold() for each in (one, other)} - {""}
    if len(artists) > 1:
        return None
    return ", ".join(reasons) if len(reasons) > 1 else None


def _same_beat(one: float, other: float) -> bool:
    return any(abs(one - other * factor) <= SAME_TEMPO * one for factor in (1.0, 2.0, 0.5))
