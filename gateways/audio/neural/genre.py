"""From tags to a genre: the names that musicians use, and how sure the choice is."""

from __future__ import annotations

import math

from gateways.audio.neural.musicnn import BOTH, Tags
from schemas.audio.report import Genre, GenreGuess

# What no tag knows (reggae, latin, afrobeats, k-pop, kinds of hip hop) is missing here as well: the
# musician says it. The orchestra's instruments stand for classical: 18 -> 21 of 35 orchestral
# recordings, and none of 36 others lost.
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
    "classical": (
        *("mtt:classical", "mtt:classic", "mtt:opera", "mtt:harpsichord"),
        *("mtt:strings", "mtt:violin", "mtt:cello", "mtt:choir"),
    ),
    "folk": ("msd:folk", "msd:acoustic"),
    "country": ("mtt:country", "msd:country"),
    "blues": ("msd:blues",),
    "soul": ("msd:soul",),
    "r&b": ("msd:rnb",),
    "funk": ("msd:funk",),
    "ambient": ("mtt:ambient", "msd:ambient", "mtt:new age"),
    "indian": ("mtt:indian", "mtt:sitar"),
}
METHOD = "strongest musicnn tag of a genre, mean over the recording and both networks"
NOT_MUSIC = "no music is heard in it"
LEAST = 0.15
_ALTERNATIVES = 3


def scores(tags: Tags) -> dict[str, float]:
    """Every genre's score, 0..1, strongest first: its strongest tag, and where both networks know
    it, the mean of both strongest (48 of 71 right; with the maximum of both 47, measured apart from
    the orchestra's instruments)."""
    found = {name: _score(tags, names) for name, names in TAGS_OF.items()}
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _score(tags: Tags, names: tuple[str, ...]) -> float:
    strongest: dict[str, float] = {}
    for name in names:
        network = name.partition(":")[0]
        strongest[network] = max(strongest.get(network, 0.0), tags.mean(name))
    return sum(strongest.values()) / len(strongest)


def genre(tags: Tags) -> Genre:
    """`primary` is None where no genre scores .15."""
    ranked = list(scores(tags).items())
    best, score = ranked[0]
    stands_out = score >= LEAST
    sure = confidence(score)
    others = ranked[1:_ALTERNATIVES] if stands_out else ranked[:_ALTERNATIVES]
    left = sum(value for _, value in ranked[1 if stands_out else 0 :]) or 1.0
    return Genre(
        method=METHOD,
        **BOTH,
        primary=best if stands_out else None,
        confidence=round(sure, 3) if stands_out else None,
        alternatives=[
            GenreGuess(name=name, confidence=round((1 - sure) * value / left, 3))
            for name, value in others
        ],
    )


def nothing(method: str = NOT_MUSIC) -> Genre:
    return Genre(method=method, primary=None, confidence=None)


def confidence(best: float) -> float:
    """How often a first choice of this score was right: a logistic curve through 71 labelled
    recordings (calibration error .04 over five folds; the second's score added nothing). They cover
    five genres only, so it never says more than .9."""
    return min(0.9, 1 / (1 + math.exp(0.41 - 5.02 * best)))
