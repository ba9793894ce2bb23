"""From tags to a genre: the names that musicians use, and how sure the choice is."""

from __future__ import annotations

import math

from gateways.audio.neural.musicnn import MSD, Tags
from schemas.report import Genre, GenreGuess

# A genre scores as its strongest tag does. What no tag knows (reggae, latin, afrobeats, k-pop,
# kinds of hip hop) is missing here as well: the musician says it.
TAGS_OF = {
    "rock": ("mtt:rock", "msd:rock", "msd:alternative rock", "msd:classic rock", "msd:hard rock"),
    "pop": ("mtt:pop", "msd:pop"),
    "indie": ("msd:indie", "msd:indie rock", "msd:indie pop"),
    "metal": ("mtt:metal", "msd:metal", "msd:heavy metal"),
    "punk": ("msd:punk",),
    "electronic": ("mtt:electronic", "msd:electronic", "msd:electronica", "msd:electro"),
    "techno": ("mtt:techno",),
    "house": ("msd:House",),
    "hip hop": ("msd:Hip-Hop",),
    "jazz": ("msd:jazz",),
    "classical": ("mtt:classical", "mtt:classic", "mtt:opera", "mtt:harpsichord"),
    "folk": ("msd:folk", "msd:acoustic"),
    "country": ("mtt:country", "msd:country"),
    "blues": ("msd:blues",),
    "soul": ("msd:soul",),
    "r&b": ("msd:rnb",),
    "funk": ("msd:funk",),
    "ambient": ("mtt:ambient", "msd:ambient", "mtt:new age"),
    "indian": ("mtt:indian", "mtt:sitar"),
}
METHOD = "strongest of its musicnn tags, mean over the recording"
NOT_MUSIC = "no music is heard in it"
LEAST = 0.15
_ALTERNATIVES = 3


def scores(tags: Tags) -> dict[str, float]:
    """Every genre's score, 0..1, strongest first."""
    found = {name: max(map(tags.mean, names)) for name, names in TAGS_OF.items()}
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def genre(tags: Tags) -> Genre:
    """`primary` is None where no genre scores .15."""
    ranked = list(scores(tags).items())
    (best, score), (_, second) = ranked[0], ranked[1]
    stands_out = score >= LEAST
    sure = confidence(score, second)
    others = ranked[1:_ALTERNATIVES] if stands_out else ranked[:_ALTERNATIVES]
    left = sum(value for _, value in ranked[1 if stands_out else 0 :]) or 1.0
    return Genre(
        method=METHOD,
        model=f"{MSD.id}+mtt",
        weights_sha256=MSD.weights_sha256,
        primary=best if stands_out else None,
        confidence=round(sure, 3) if stands_out else None,
        alternatives=[
            GenreGuess(name=name, confidence=round((1 - sure) * value / left, 3))
            for name, value in others
        ],
    )


def nothing(method: str = NOT_MUSIC) -> Genre:
    return Genre(method=method, primary=None, confidence=None)


def confidence(best: float, second: float) -> float:
    return 1 / (1 + math.exp(-(4 * (best - second))))
