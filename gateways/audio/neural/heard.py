"""The answer of a listener."""

from __future__ import annotations

from dataclasses import dataclass, field

from schemas.audio.report import Curve, Figure, Genre, Instruments, UsedModel


@dataclass(frozen=True)
class Heard:
    """`voice`, `talk`: curves for the page. `sound`, `words`: {"model", "data"} as events carry
    vectors, None where there is nothing to place. `opinions`: of a learned model for quality, if
    the operator has one. Shapes are of `schemas.audio.report`."""

    genre: Genre
    instruments: Instruments
    vocals: Figure
    speech: Figure
    acousticness: Figure
    voice: Curve | None = None
    talk: Curve | None = None
    opinions: list[Figure] = field(default_factory=list)
    moods: list[str] = field(default_factory=list)
    sound: dict[str, str] | None = None
    words: dict[str, str] | None = None
    models: list[UsedModel] = field(default_factory=list)
    degraded: tuple[str, ...] = ()
