"""One filter that a question asks for: its name, its value, and how it is said."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

from schemas.audio.harmony import camelot

# Which parameters of a list say the same as a chip: whoever sets one of these wins over it.
PARAMETERS: dict[str, tuple[str, ...]] = {
    "bpm": ("tempo_min", "tempo_max"),
    "length": ("duration_min", "duration_max"),
    "key": ("key", "compatible_with"),
    "compatible": ("key", "compatible_with"),
    "genre": ("genre",),
    "instrument": ("instrument",),
    "without": (),
    "mood": ("mood",),
    "vocals": ("vocals",),
    "energy": ("energy_min", "energy_max"),
    "danceability": ("danceability_min", "danceability_max"),
    "status": ("status",),
    "rating": ("rating_min", "rating_max"),
    "colour": ("colour",),
    "since": ("since",),
    "until": ("until",),
}
# A question may ask for several of these; of all others the first one counts.
MANY = frozenset({"genre", "instrument", "without", "mood"})
MOST_STARS = 5
_SAYS = {"instrument": "with {}", "without": "no {}", "genre": "{}", "mood": "{}"}
_UNITS = {"bpm": " BPM", "length": "", "energy": "", "danceability": ""}


@dataclass(frozen=True, slots=True)
class Chip:
    """`value` is canonical: `133-147`, `A minor`, `piano`, `2026-01-31`; ranges may lack an end.

    `said` is the part of the question that was read so; `spoken` ones are words that may also be
    meant as they stand, the others are written as a filter (`key:Am`).
    """

    name: str
    value: str
    said: str = field(default="", compare=False)
    spoken: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        """Written as a filter: `bpm:133-147`, `key:"A minor"`. Reads as the same chip again."""
        return f'{self.name}:"{self.value}"' if " " in self.value else f"{self.name}:{self.value}"

    @property
    def guessed(self) -> bool:
        """Whether its words ask for what is only ever guessed: that ranks and hides nothing."""
        return self.spoken and self.name in ("genre", "mood")

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """Reads a range: (lowest, highest)."""
        low, _, high = self.value.partition("-")
        return (float(low) if low else None, float(high) if high else None)

    @property
    def day(self) -> datetime:
        """Reads `since` or `until`: when the day begins, UTC."""
        return datetime.combine(date.fromisoformat(self.value), time(), UTC)

    @property
    def label(self) -> str:
        """For people: `133 to 147 BPM`, `A minor (8A)`, `no piano`."""
        match self.name:
            case "key":
                return f"{self.value} ({camelot(self.value)})"
            case "compatible":
                return f"mixes with {self.value} ({camelot(self.value)})"
            case "vocals":
                return "with vocals" if self.value == "yes" else "no vocals"
            case "status":
                return self.value.replace("-", " ")
            case "colour":
                return f"marked {self.value}"
            case "rating":
                return self._stars()
            case "since" | "until":
                return f"{'from' if self.name == 'since' else 'before'} {self.value}"
            case name if name in _SAYS:
                return _SAYS[name].format(self.value)
        return self._range()

    def _stars(self) -> str:
        low, high = (None if n is None else int(n) for n in self.bounds)
        if high == 0:
            return "not rated"
        if not low:
            return f"up to {stars(high or 0)}"
        if low == high:
            return stars(low)
        return f"{low} to {stars(high)}" if high and high < MOST_STARS else f"{stars(low)} or more"

    def _range(self) -> str:
        low, high = self.bounds
        what = {"length": "", "bpm": ""}.get(self.name, f"{self.name} ")
        say = _clock if self.name == "length" else _number
        unit = _UNITS[self.name]
        if low is not None and high is not None:
            return f"{what}{say(low)} to {say(high)}{unit}"
        if low is not None:
            return f"{what}from {say(low)}{unit}"
        return f"{what}up to {say(high or 0)}{unit}"


def stars(count: int) -> str:
    return "1 star" if count == 1 else f"{count} stars"


def ranged(name: str, low: float | None, high: float | None) -> Chip | None:
    """None if nothing can lie between; written with at most one decimal (shares: two)."""
    digits = 2 if name in ("energy", "danceability") else 1
    low, high = (None if n is None else round(n, digits) for n in (low, high))
    if (low is None and high is None) or (low is not None and high is not None and low > high):
        return None
    return Chip(name, f"{_number(low)}-{_number(high)}")


def _number(value: Any) -> str:
    return "" if value is None else f"{value:.10g}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"
