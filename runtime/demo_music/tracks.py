"""The tracks: who, what it is called, how fast and in which key. All invented."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class TrackSpec:
    """One track to compose; `style` names an entry of `styles.STYLES`."""

    title: str
    artist: str
    album: str
    genre: str
    style: str
    tempo_bpm: float
    key: str
    year: int = 2026
    track: int = 1
    duration_s: float = 32.0
    seed: int = 0


_TRACKS = (
    ("Glass Elevator", "Mara Okonjo", "Night Shift", "Trap", "trap", 140, "A minor"),
    ("Concrete Garden", "Mara Okonjo", "Night Shift", "Trap", "trap", 146, "F# minor"),
    ("Warehouse Sunday", "Delta Quarter", "Four Walls", "House", "house", 124, "C minor"),
    ("Keep the Lights Low", "Delta Quarter", "Four Walls", "House", "house", 122, "G minor"),
    ("Rain on Tape", "Lowlight Library", "Paper Sleeves", "Lo-Fi", "lofi", 82, "D major"),
    ("Second Cup", "Lowlight Library", "Paper Sleeves", "Lo-Fi", "lofi", 86, "F major"),
    ("Undertow", "Kestrel Drive", "Slipstream", "Drum & Bass", "dnb", 172, "E minor"),
    ("Northern Line", "Kestrel Drive", "Slipstream", "Drum & Bass", "dnb", 174, "D minor"),
    ("The House We Left", "Ines Valdaro", "Letters Home", "Ballad", "ballad", 70, "C major"),
    ("Every Harbour", "Ines Valdaro", "Letters Home", "Ballad", "ballad", 72, "A# major"),
    ("Palmwine Avenue", "Abiola & Reed", "Evening Market", "Afrobeats", "afro", 105, "G major"),
    ("Call Me Tomorrow", "Abiola & Reed", "Evening Market", "Afrobeats", "afro", 108, "D major"),
    ("Chrome Horizon", "Vector Hotel", "1986", "Synthwave", "synthwave", 100, "E minor"),
    ("Last Exit Before Dawn", "Vector Hotel", "1986", "Synthwave", "synthwave", 96, "C# minor"),
    ("Iron Bloom", "Halden", "Cold Start", "Techno", "techno", 132, "F minor"),
    ("Pressure Room", "Halden", "Cold Start", "Techno", "techno", 136, "A minor"),
    ("Corner Store Psalm", "Juno Fields", "Stoop Stories", "Hip-Hop", "boombap", 90, "D# minor"),
    ("Sixteen Quarters", "Juno Fields", "Stoop Stories", "Hip-Hop", "boombap", 94, "G# minor"),
    ("Letters in the Barn", "The Wren Sisters", "Hedgerow", "Folk", "folk", 112, "G major"),
    ("Salt and Timber", "The Wren Sisters", "Hedgerow", "Folk", "folk", 104, "D major"),
    ("Paper Crown", "Ada Lumen", "Bright Noise", "Pop", "pop", 118, "E major"),
    ("Say It in Neon", "Ada Lumen", "Bright Noise", "Pop", "pop", 126, "A major"),
    ("Elbow Room", "The Tin Satellites", "Loose Change", "Funk", "funk", 110, "E minor"),
    ("Brass Tacks", "The Tin Satellites", "Loose Change", "Funk", "funk", 114, "C minor"),
)  # fmt: skip

_FIRST_WORDS = ("Silver", "Second", "Slow", "Borrowed", "Quiet", "Electric", "Velvet", "Distant")
_LAST_WORDS = ("Weather", "Signals", "Harbour", "Avenue", "Machine", "Orchard", "Static", "Parade")


def catalogue(count: int, seed: int = 7, duration_s: float | None = None) -> list[TrackSpec]:
    """`count` tracks, the same for the same seed. Beyond the written ones, tempo moves a little
    and the title is new. `duration_s` overrides the usual 26 to 44 seconds."""
    random = np.random.default_rng(seed)
    specs = []
    for index in range(count):
        title, artist, album, genre, style, tempo_bpm, key = _TRACKS[index % len(_TRACKS)]
        spec = TrackSpec(
            title, artist, album, genre, style, float(tempo_bpm), key,
            year=2021 + index % 6, track=index % 2 + 1, seed=int(random.integers(2**32)),
            duration_s=duration_s or round(float(random.uniform(26, 44)), 1),
        )  # fmt: skip
        if index >= len(_TRACKS):
            words = (random.choice(_FIRST_WORDS), random.choice(_LAST_WORDS))
            volume = index // len(_TRACKS) + 1
            spec = replace(
                spec,
                title=f"{' '.join(words)} {volume}.{index % len(_TRACKS) + 1}",
                tempo_bpm=tempo_bpm + float(random.choice((-2, -1, 1, 2))),
            )
        specs.append(spec)
    return specs
