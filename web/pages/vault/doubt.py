"""Which figures of a list are doubtful, and in which words: said ones never are."""

from __future__ import annotations

from schemas.vault.dto import AssetDto
from web import looks
from web.pages.vault.listening import UNSURE_BELOW


def doubt(asset: AssetDto, figure: str) -> str:
    """Why the figure (`tempo`, `key`, `genre`) is not to be relied on; empty when it is."""
    measured = asset.analysis
    if measured is None:
        return ""
    said: float | str | None
    match figure:
        case "tempo":
            said, guesses = asset.tags.tempo_bpm, measured.tempo_candidates
            confidence = guesses[0].confidence if guesses else None
        case "key":
            said, confidence = asset.tags.key, measured.key_confidence
        case "genre":
            said, confidence = asset.tags.genre, None
            if measured.genres:
                confidence = measured.genres[0].confidence
        case _:
            raise ValueError(figure)
    if said is not None or confidence is None or confidence >= UNSURE_BELOW:
        return ""
    return f"The analysis is only {looks.percent(confidence)} sure: check by ear"
