"""Words of music that a question may hold, by what they ask for. Lower case, several spellings."""

from __future__ import annotations

from typing import get_args

from events.vault.asset import Colour, Status
from projections.vault.genres import GENRES

# How a mood that was not named by the analysis shows in numbers, each 0..1 (limits are ours).
MOODS: dict[str, tuple[tuple[str, str, float], ...]] = {
    "energetic": (("energy", ">=", 0.65),),
    "calm": (("energy", "<=", 0.35),),
    "happy": (("valence", ">=", 0.6),),
    "sad": (("valence", "<=", 0.4), ("energy", "<=", 0.5)),
    "dark": (("valence", "<=", 0.4),),
    "bright": (("valence", ">=", 0.6), ("energy", ">=", 0.4)),
    "aggressive": (("energy", ">=", 0.75), ("valence", "<=", 0.5)),
    "romantic": (),
    "dreamy": (),
    "epic": (),
    "groovy": (("danceability", ">=", 0.65),),
    "party": (("danceability", ">=", 0.65), ("energy", ">=", 0.6)),
    "beautiful": (),
    "strange": (),
}
_MOOD_WORDS = {
    "energetic": ("energetic", "driving", "powerful", "upbeat"),
    "calm": ("calm", "chill", "chilled", "mellow", "relaxed", "relaxing", "quiet", "soft"),
    "happy": ("happy", "cheerful", "joyful", "uplifting"),
    "sad": ("sad", "melancholic", "melancholy", "gloomy"),
    "dark": ("dark", "moody", "sombre", "somber"),
    "bright": ("bright", "sunny"),
    "aggressive": ("aggressive", "angry"),
    "romantic": ("romantic",),
    "dreamy": ("dreamy", "ethereal"),
    "epic": ("epic",),
    "groovy": ("groovy", "danceable"),
    "party": ("party",),
    "beautiful": ("beautiful",),
    "strange": ("strange", "weird"),
}
# What listens to instruments may know only the family.
FAMILIES = {
    "acoustic guitar": "guitar",
    "violin": "strings",
    "cello": "strings",
    "keyboard": "piano",
}
INSTRUMENTS = {
    "guitar": ("guitar", "guitars", "electric guitar"),
    "acoustic guitar": ("acoustic guitar", "acoustic guitars"),
    "bass": ("bass", "bass guitar"),
    "drums": ("drums", "drum", "percussion", "beats"),
    "piano": ("piano", "pianos"),
    "keyboard": ("keyboard", "keyboards"),
    "organ": ("organ",),
    "synth": ("synth", "synths", "synthesizer", "synthesiser"),
    "strings": ("strings", "string section"),
    "violin": ("violin", "violins", "fiddle"),
    "cello": ("cello", "cellos"),
    "harp": ("harp",),
    "harpsichord": ("harpsichord",),
    "flute": ("flute", "flutes"),
    "saxophone": ("saxophone", "sax"),
    "trumpet": ("trumpet",),
    "brass": ("brass", "horns"),
    "sitar": ("sitar",),
    "choir": ("choir", "choral"),
}


def _inverted(words: dict[str, tuple[str, ...]]) -> dict[str, str]:
    return {spelling: name for name, spellings in words.items() for spelling in spellings}


MOOD_OF = _inverted(_MOOD_WORDS)
GENRE_OF = _inverted(GENRES)
INSTRUMENT_OF = _inverted(INSTRUMENTS)
# A mood by another word: what the analysis calls `melancholic` is `sad` here.
MOOD_SPELLINGS = {name: tuple(spellings) for name, spellings in _MOOD_WORDS.items()}
# `in-progress` as people write it too: `in progress`.
STATUS_OF = {
    spelling: name for name in get_args(Status) for spelling in (name, name.replace("-", " "))
}
COLOUR_OF = {name: name for name in get_args(Colour)}
