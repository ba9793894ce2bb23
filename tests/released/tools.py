"""Audio tools that take their word from the file: it holds a line of text, not sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateways.audio.facts import (
    Accepted,
    Analysis,
    Artwork,
    AudioFacts,
    Cover,
    Drawn,
    EmbeddedPicture,
    FileTags,
    Measurement,
    Refused,
    Rendition,
    Rewritten,
)
from tests.fixtures.reports import report

PNG = b"\x89PNG picture"


class Stumbled(Exception):
    code = "crashed"


@dataclass
class Tools:
    """A file that holds `broken` is refused; what is in `failing` is not measured."""

    version: int = 1
    failing: set[str] = field(default_factory=set)

    def probe(self, path: Path) -> Accepted | Refused:
        text = path.read_text()
        if "broken" in text:
            return Refused(code="not-audio", reason="This is no audio.")
        cover = Cover(media_type="image/png", data=PNG) if "cover" in text else None
        picture = EmbeddedPicture(media_type="image/png", data=PNG, kind="artist")
        return Accepted(
            audio=AudioFacts(duration_s=2, sample_rate_hz=44100, channels=2, codec="flac"),
            playable="rare" not in text,
            tags=FileTags(title=text, artist="Somebody", genre="Dub", year=1999),
            cover=cover,
            pictures=(picture,) if cover else (),
        )

    def draw(self, path: Path) -> Drawn:
        return Drawn(peaks=b"drawn of " + path.read_bytes())

    def render(self, path: Path, sink: Callable[[bytes], object]) -> Rendition:
        sink(b"rendition of " + path.read_bytes())
        return Rendition(
            media_type="audio/mpeg", sample_rate_hz=44100, channels=2, bitrate_bps=320_000
        )

    def rewrite(
        self, path: Path, changes: dict[str, Any], sink: Callable[[bytes], object]
    ) -> Rewritten:
        sink(path.read_bytes() + b" rewritten")
        return Rewritten(tags=FileTags(**{"title": path.read_text(), **changes}))

    def picture(self, path: Path) -> Artwork:
        data = b"picture " + path.read_bytes()
        return Artwork(data=data, small=b"small " + data, width=8, height=8)

    def analyse(self, path: Path) -> Analysis:
        text = path.read_text()
        if text in self.failing:
            raise Stumbled("The analyser stopped.")
        tempo_bpm = 90.0 + len(text)
        measurement = Measurement(
            tempo_bpm=tempo_bpm,
            tempo_candidates=[],
            key="A minor",
            key_confidence=0.7,
            loudness_lufs=-9.0,
            true_peak_dbtp=-0.5,
            energy=0.6,
            analyser="test",
            analyser_version=self.version,
        )
        document = report(duration_s=4.0, bpm=tempo_bpm).model_dump_json().encode()
        return Analysis(measurement=measurement, peaks=b"peaks", report=document)
