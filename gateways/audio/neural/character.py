"""A recording's character, read from its tags: acoustic or electronic, and its moods in words."""

from __future__ import annotations

from gateways.audio.neural.musicnn import BOTH, Tags
from schemas.audio.report import Figure

_ACOUSTIC = ("msd:acoustic", "msd:folk", "mtt:guitar", "mtt:classical", "mtt:piano", "mtt:strings")
_ELECTRONIC = ("mtt:techno", "mtt:electronic", "mtt:synth", "msd:electronic", "msd:electronica")

# A word applies from about the highest quarter of 105 recordings on. happy and sad stay below .02
# for all music: they say nothing.
MOODS = {
    "calm": (("mtt:slow", "mtt:quiet", "mtt:soft"), 0.25),
    "mellow": (("msd:Mellow", "msd:chillout", "msd:chill"), 0.12),
    "dreamy": (("mtt:ambient", "mtt:new age", "msd:ambient"), 0.25),
    "driving": (("mtt:fast", "mtt:beat", "mtt:techno"), 0.3),
    "aggressive": (("mtt:loud", "mtt:metal", "msd:metal", "msd:heavy metal"), 0.3),
    "party": (("msd:party", "msd:dance", "mtt:dance"), 0.15),
    "strange": (("mtt:weird", "msd:experimental"), 0.2),
}


def acousticness(tags: Tags) -> Figure:
    """1: only acoustic instruments are heard, 0: only electronic ones."""
    acoustic = max(map(tags.mean, _ACOUSTIC))
    electronic = max(map(tags.mean, _ELECTRONIC))
    share = acoustic / max(acoustic + electronic, 1e-6)
    return Figure(
        value=round(share, 3),
        method="musicnn's strongest acoustic tag against its strongest electronic one",
        confidence=round(abs(2 * share - 1), 3),
        **BOTH,
    )


def moods(tags: Tags) -> list[str]:
    """Words that apply, strongest first, each relative to where it begins to apply."""
    strengths = {word: max(map(tags.mean, names)) / limit for word, (names, limit) in MOODS.items()}
    applying = [word for word, strength in strengths.items() if strength >= 1]
    return sorted(applying, key=lambda word: -strengths[word])
