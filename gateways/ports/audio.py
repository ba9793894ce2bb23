"""Sound: is it any, how does it measure, a copy to play, other tags in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from gateways.audio.facts import (
    Accepted,
    Analysis,
    Artwork,
    Drawn,
    Refused,
    Rendition,
    Rewritten,
)


class AudioTools(Protocol):
    """Everything that parses foreign bytes, done in limited child processes (`gateways/audio`)."""

    def probe(self, path: Path) -> Accepted | Refused: ...

    def draw(self, path: Path) -> Drawn:
        """The waveform's peaks, long before an analysis has them."""
        ...

    def render(self, path: Path, sink: Callable[[bytes], object]) -> Rendition:
        """A copy that browsers play, in chunks to `sink`."""
        ...

    def rewrite(
        self, path: Path, changes: Mapping[str, object], sink: Callable[[bytes], object]
    ) -> Rewritten:
        """The file with other tags, in chunks to `sink`; None in `changes` takes a tag out."""
        ...

    def picture(self, path: Path) -> Artwork:
        """A picture that somebody chose, made anew in two sizes."""
        ...

    def analyse(self, path: Path) -> Analysis:
        """The measurement, the peaks' bytes and the report's."""
        ...
