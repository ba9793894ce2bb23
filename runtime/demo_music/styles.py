"""How a genre plays: patterns of sixteen steps a bar, chords, voices, levels.

In a pattern `X` is an accent, `x` a hit, `o` a soft hit, `.` a rest. Chords are degrees of the
scale; minor keys take the raised seventh on V, so that A minor is not C major in disguise.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Style:
    """`drums`: name -> (patterns of alternate bars, level). `chords`: voice, pattern of attacks,
    level. `bass`, `melody`: the same. `pump` is the ducking under the kick, 0..1."""

    drums: dict[str, tuple[tuple[str, ...], float]]
    chords: tuple[str, str, float]
    bass: tuple[str, str, float]
    melody: tuple[str, str, float]
    major: tuple[int, ...] = (1, 6, 4, 5)
    minor: tuple[int, ...] = (1, 6, 4, 5)
    sevenths: bool = False
    swing: float = 0.0
    pump: float = 0.0
    reverb: float = 0.2
    crackle: float = 0.0
    loudness_lufs: float = -11.0


_FOUR = ("X...X...X...X...",)
_BACKBEAT = ("....X.......X...",)

STYLES: dict[str, Style] = {
    "trap": Style(
        drums={
            "kick": (("X.....x...x.....", "X.....x...x..x.."), 0.9),
            "clap": (_BACKBEAT, 0.75),
            "hat": (("X.x.X.x.X.x.Xxxx", "X.x.X.xxX.x.X.x."), 0.34),
            "rim": (("..............o.",), 0.3),
        },
        chords=("pad", "X...............", 0.16),
        bass=("sub", "X.....x...x.....", 0.5),
        melody=("pluck", "X...x...x.x.x...", 0.34),
        minor=(1, 1, 6, 5),
        reverb=0.25,
        loudness_lufs=-9.5,
    ),
    "house": Style(
        drums={
            "kick": (_FOUR, 0.95),
            "clap": (_BACKBEAT, 0.6),
            "openhat": (("..X...X...X...X.",), 0.3),
            "hat": (("x.o.x.o.x.o.x.oo",), 0.18),
        },
        chords=("organ", "X..x..x...X..x..", 0.16),
        bass=("bass", "..X...X...X...Xx", 0.55),
        melody=("pluck", "....x..x....x.x.", 0.24),
        minor=(1, 6, 1, 4),
        pump=0.45,
        loudness_lufs=-9.0,
    ),
    "lofi": Style(
        drums={
            "softkick": (("X.......X.o.....", "X......xX......."), 1.0),
            "rim": (_BACKBEAT, 0.5),
            "hat": (("x...x.o.x...x.o.",), 0.2),
        },
        chords=("epiano", "X.......o.......", 0.24),
        bass=("bass", "X.......X.......", 0.4),
        melody=("epiano", "....x.......x.x.", 0.22),
        major=(1, 6, 2, 5),
        sevenths=True,
        swing=0.14,
        crackle=0.006,
        reverb=0.25,
        loudness_lufs=-14.0,
    ),
    "dnb": Style(
        drums={
            # On every beat: over a broken beat both analysers hear half of 172.
            "kick": (("X...X...X...X...",), 0.9),
            "snare": (("....x.......x...",), 0.5),
            "hat": (("X...X...X...X...",), 0.5),
        },
        chords=("pad", "X...............", 0.22),
        bass=("reese", "X...x...X...x...", 0.4),
        melody=("lead", "x...x...x...x...", 0.14),
        minor=(1, 6, 4, 1),
        loudness_lufs=-9.0,
    ),
    "ballad": Style(
        drums={
            "softkick": (("X.......X.......",), 0.8),
            "brush": (_BACKBEAT, 0.5),
        },
        chords=("piano", "X...x...x...x...", 0.2),
        bass=("bass", "X.......x.......", 0.35),
        melody=("strings", "X.......x...x...", 0.26),
        major=(1, 4, 5, 1),
        reverb=0.35,
        loudness_lufs=-14.0,
    ),
    "afro": Style(
        drums={
            "kick": (_FOUR, 0.75),
            "rim": (("X..x..X...x.X...",), 0.5),
            "shaker": (("X.o.X.o.X.o.X.o.",), 0.34),
            "conga": (("..x...x.....x.xo", "..x...x...x.x..."), 0.4),
        },
        chords=("guitar", "..x...x...x...x.", 0.2),
        bass=("bass", "X..x..X...x.X...", 0.5),
        melody=("pluck", "X.x...x.....x.x.", 0.3),
        major=(1, 4, 5, 1),
        minor=(1, 4, 5, 1),
        loudness_lufs=-10.0,
    ),
    "synthwave": Style(
        drums={
            "kick": (_FOUR, 0.85),
            "snare": (_BACKBEAT, 0.8),
            "hat": (("x.o.x.o.x.o.x.o.",), 0.24),
        },
        chords=("pad", "X...............", 0.2),
        bass=("bass", "X.x.X.x.X.x.X.x.", 0.5),
        melody=("lead", "X.....x.x...x...", 0.17),
        minor=(1, 6, 4, 5),
        pump=0.3,
        reverb=0.3,
        loudness_lufs=-10.5,
    ),
    "techno": Style(
        drums={
            "kick": (_FOUR, 1.0),
            "openhat": (("..X...X...X...X.",), 0.26),
            "hat": (("xxoxxxoxxxoxxxox",), 0.14),
            "clap": (("............X...",), 0.4),
        },
        chords=("pad", "X.......x.......", 0.2),
        bass=("bass", ".xx..xx..xx..xx.", 0.5),
        melody=("pluck", "x..x..x..x..x.x.", 0.22),
        minor=(1, 1, 6, 4),
        pump=0.5,
        loudness_lufs=-9.0,
    ),
    "boombap": Style(
        drums={
            "kick": (("X.....x.X.......", "X.....x.X.x....."), 0.95),
            "snare": (_BACKBEAT, 0.85),
            "hat": (("X.o.X.o.X.o.X.o.",), 0.28),
        },
        chords=("epiano", "X.........x.....", 0.2),
        bass=("bass", "X.....x.X.......", 0.55),
        melody=("piano", "..x...x...x..x..", 0.26),
        minor=(1, 4, 1, 5),
        swing=0.12,
        crackle=0.004,
        loudness_lufs=-11.0,
    ),
    "folk": Style(
        drums={
            "softkick": (("X.......X.......",), 0.8),
            "brush": (_BACKBEAT, 0.45),
            "shaker": (("X.o.X.o.X.o.X.o.",), 0.2),
        },
        chords=("guitar", "X...x.x.X...x.x.", 0.26),
        bass=("pluck", "X.......x.......", 0.4),
        melody=("guitar", "X...x...x.x.x...", 0.34),
        major=(1, 4, 1, 5),
        reverb=0.25,
        loudness_lufs=-14.0,
    ),
    "pop": Style(
        drums={
            "kick": (("X.....x.X.......", "X.....x.X.....x."), 0.9),
            "clap": (_BACKBEAT, 0.7),
            "hat": (("X.x.X.x.X.x.X.x.",), 0.26),
        },
        chords=("piano", "X...x...X...x...", 0.26),
        bass=("bass", "X...x...X...x...", 0.5),
        melody=("lead", "X.x...x.x...x...", 0.17),
        major=(1, 5, 4, 1),
        pump=0.2,
        loudness_lufs=-10.0,
    ),
    "funk": Style(
        drums={
            "kick": (("X.....x.X.......",), 0.9),
            "snare": (("....X....o..X..o",), 0.8),
            "hat": (("X.o.X.o.X.o.X.o.",), 0.3),
        },
        chords=("guitar", "X...x.x.X...x.x.", 0.3),
        bass=("bass", "X.....x.X...x.x.", 0.5),
        melody=("organ", "....x.......x.x.", 0.14),
        minor=(1, 1, 4, 1),
        loudness_lufs=-10.5,
    ),
}
