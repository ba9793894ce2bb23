"""Measurements as a musician reads them: one readout a figure, its doubt included."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.audio.harmony import camelot
from schemas.audio.report import Figure, Method, Report, Spectrum
from schemas.vault.dto import AnalysisDto, AssetDto
from web import looks

# A figure below even odds is written smaller, with "~", beside what else it may be.
UNSURE_BELOW = 0.5
ALTERNATIVES = 4
UNLIKELY = 0.01
SAME_TEMPO = 0.02
FLOOR_DB = -72


@dataclass(frozen=True, slots=True)
class Alternative:
    """One click says so: `value` goes into the tag that `Readout.field` names."""

    label: str
    value: str
    confidence: float | None = None
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Readout:
    """`measured` is set where something said counts instead; `field` names the tag that says it.

    `fill` and `mark` are places on a meter, 0..100.
    """

    name: str
    label: str
    value: str
    unit: str = ""
    note: str = ""
    fill: float | None = None
    mark: float | None = None
    confidence: float | None = None
    measured: str | None = None
    yours: bool = False
    field: str = ""
    alternatives: Sequence[Alternative] = ()
    method: str = ""
    model: str | None = None
    weights: str | None = None

    @property
    def unsure(self) -> bool:
        sure = self.confidence is None or self.confidence >= UNSURE_BELOW
        return not sure and self.measured is None and self.value != looks.NONE


@dataclass(frozen=True, slots=True)
class Found:
    """A found value and what is said instead, from a report or from the shorter summary."""

    value: float | str | None = None
    said: float | str | None = None
    confidence: float | None = None
    yours: bool = False
    source: Method | None = None

    @property
    def effective(self) -> float | str | None:
        return self.value if self.said is None else self.said

    def told(self) -> dict[str, Any]:
        source = self.source
        return {
            "confidence": None if self.said is not None else self.confidence,
            "yours": self.yours,
            "method": source.method if source else "",
            "model": source.model if source else None,
            "weights": source.weights_sha256 if source else None,
        }


@dataclass(frozen=True, slots=True)
class Reading:
    """Readouts in the order in which a page shows them: the four one looks for first, the rest."""

    first: list[Readout] = field(default_factory=list)
    rest: list[Readout] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Band:
    """One bar of the spectrum, in hundredths of the drawing; `hz` is the band's centre."""

    x: float
    width: float
    height: float
    hz: float


def reading(asset: AssetDto, report: Report | None) -> Reading:
    """`report` is None for what was measured before there were reports: less is shown then."""
    if report is None and asset.analysis is None:
        return Reading([_tempo(asset, Found(), []), _key(asset, Found(), [])])
    first = [*_first(asset, report)]
    return Reading(first, [*_moods(asset, report), *_levels(asset, report)])


def _first(asset: AssetDto, report: Report | None) -> Iterable[Readout]:
    summary = asset.analysis
    if report is not None:
        features, genre = report.audioFeatures, report.genre
        tempos = [(each.bpm, each.confidence) for each in features.tempo.candidates]
        keys = [(each.key, each.confidence) for each in features.key.candidates]
        genres = [(each.name, each.confidence) for each in genre.alternatives]
        yield _tempo(asset, _found(features.tempo, asset.tags.tempo_bpm), tempos)
        yield _key(asset, _found(features.key, asset.tags.key), keys)
        measured = genre.measured if genre.overridden else genre.primary
        found = Found(measured, asset.tags.genre, genre.confidence, genre.overridden, genre)
        yield _genre(found, [(measured, genre.confidence or 0.0), *genres])
        yield _loudness(_number(features.loudness), features.loudness)
        return
    assert summary is not None
    tempos = [(each.bpm, each.confidence) for each in summary.tempo_candidates]
    keys = [(each.key, each.confidence) for each in summary.key_candidates]
    sure = tempos[0][1] if tempos else None
    yield _tempo(asset, Found(summary.tempo_bpm, asset.tags.tempo_bpm, sure), tempos)
    yield _key(asset, Found(summary.key, asset.tags.key, summary.key_confidence), keys)
    genres = [(each.name, each.confidence) for each in summary.genres]
    if genres or asset.tags.genre:
        best = genres[0] if genres else (None, None)
        yield _genre(Found(best[0], asset.tags.genre, best[1]), genres)
    yield _loudness(summary.loudness_lufs, None)


def _tempo(asset: AssetDto, found: Found, candidates: list[tuple[float, float]]) -> Readout:
    value, note = asset.effective.tempo_bpm, _of_name(asset, found, "tempo_bpm")
    known = dict(candidates)
    if isinstance(found.value, float):
        known = {found.value: found.confidence or 0.0} | known
        known |= {bpm: 0.0 for bpm in (found.value * 2, found.value / 2) if not _near(bpm, known)}
    others = sorted(
        (bpm for bpm in known if _worth_saying(bpm, value, known[bpm])),
        key=lambda bpm: -known[bpm],
    )
    return Readout(
        "tempo",
        "Tempo",
        looks.decimal(value),
        "BPM",
        note,
        field="tempo_bpm",
        measured=_instead(found, looks.decimal),
        alternatives=[
            Alternative(looks.decimal(bpm), f"{bpm:.2f}", known[bpm] or None, _ratio(bpm, value))
            for bpm in others[:ALTERNATIVES]
        ],
        **(Found() if note else found).told(),
    )


def _key(asset: AssetDto, found: Found, candidates: list[tuple[str, float]]) -> Readout:
    value, note = asset.effective.key, _of_name(asset, found, "key")
    return Readout(
        "key",
        "Key",
        value or looks.NONE,
        camelot(value),
        note,
        field="key",
        measured=_instead(found, str),
        alternatives=_others(value, candidates),
        **(Found() if note else found).told(),
    )


def _of_name(asset: AssetDto, found: Found, field: str) -> str:
    """A note where neither tag nor analysis says it."""
    read = getattr(asset.from_name, field, None)
    return "From the file name." if found.effective is None and read is not None else ""


def _genre(found: Found, candidates: Sequence[tuple[str | None, float]]) -> Readout:
    value = found.effective
    named = [(name, confidence) for name, confidence in candidates if name]
    return Readout(
        "genre",
        "Genre",
        str(value) if value else looks.NONE,
        field="genre",
        measured=_instead(found, str),
        alternatives=_others(str(value) if value else None, named),
        **found.told(),
    )


def _loudness(lufs: float | None, source: Method | None) -> Readout:
    return Readout(
        "loudness",
        "Loudness",
        looks.decimal(lufs),
        "LUFS",
        "The mark is \u221214 LUFS, where streaming services play",
        looks.between(lufs, -30, 0),
        looks.between(-14, -30, 0),
        **Found(lufs, source=source).told(),
    )


def _moods(asset: AssetDto, report: Report | None) -> Iterable[Readout]:
    """Shares: where they stand between two words."""
    features, summary = report and report.audioFeatures, asset.analysis
    for name, label, note in (
        ("energy", "Energy", "0 is calm, 1 is dense and loud"),
        ("danceability", "Danceability", "How steady and strong the beat is"),
        ("valence", "Positivity", "0 sounds dark, 1 sounds bright"),
    ):
        found = _share(getattr(features, name, None), asset, name)
        if found.effective is not None:
            number = float(found.effective)
            yield Readout(
                name,
                label,
                looks.decimal(number, 2),
                "",
                note,
                looks.between(number, 0, 1),
                field=name,
                measured=_instead(found, lambda value: looks.decimal(value, 2)),
                **found.told(),
            )
    for name, label, note in (
        ("vocals", "Voices", "Share of the track in which somebody sings"),
        ("speech", "Speech", "Share in which somebody talks"),
        ("acousticness", "Acoustic", "0 is electronic, 1 is acoustic"),
    ):
        figure = getattr(features, name, None)
        share = _number(figure) if figure else getattr(summary, name, None)
        if share is not None and (name != "speech" or share > 0):
            told = Found(share, None, figure and figure.confidence, source=figure).told()
            meter = looks.between(share, 0, 1)
            yield Readout(name, label, looks.percent(share), "", note, meter, **told)


def _levels(asset: AssetDto, report: Report | None) -> Iterable[Readout]:
    features, summary = report and report.audioFeatures, asset.analysis
    peak = _number(features.true_peak) if features else getattr(summary, "true_peak_dbtp", None)
    safe = peak is None or peak <= -1
    yield Readout(
        "true_peak",
        "True peak",
        looks.decimal(peak),
        "dBTP",
        "Safe to encode" if safe else "Above \u22121 dBTP: can clip when encoded",
        looks.between(peak, -24, 3),
        looks.between(-1, -24, 3),
        **Found(peak, source=features.true_peak if features else None).told(),
    )
    if features is None:
        return
    for name, label, unit, digits, note in (
        ("loudness_range", "Loudness range", "LU", 1, "Between quiet and loud passages"),
        ("dynamic_range", "Dynamic range", "dB", 1, "Between the peaks and the mean level"),
        ("onset_rate", "Onsets", "per second", 1, "Notes and hits that begin"),
        ("brightness", "Brightness", "Hz", 0, "Centre of the spectrum"),
        ("time_signature", "Time signature", "", 0, "Beats in a bar"),
    ):
        figure = getattr(features, name)
        if figure.value is not None:
            text = figure.value
            shown = text if isinstance(text, str) else looks.decimal(text, digits)
            told = Found(figure.value, None, figure.confidence, source=figure).told()
            yield Readout(name, label, shown, unit, note, **told)


def _share(figure: Figure | None, asset: AssetDto, name: str) -> Found:
    said = getattr(asset.tags, name)
    if figure is not None:
        return _found(figure, said)
    summary: AnalysisDto | None = asset.analysis
    return Found(getattr(summary, name, None), said, yours=said is not None)


def _found(figure: Figure, said: float | str | None) -> Found:
    measured = figure.measured if figure.overridden else figure.value
    confidence = None if figure.overridden else figure.confidence
    return Found(measured, said, confidence, figure.overridden, figure)


def _number(figure: Figure | None) -> float | None:
    value = figure.value if figure else None
    return value if isinstance(value, int | float) else None


def _instead(found: Found, written: Callable[[Any], str]) -> str | None:
    """The value that had been found, where something else is said."""
    if found.said is None:
        return None
    return looks.NONE if found.value is None else written(found.value)


def _others(value: str | None, candidates: Sequence[tuple[str, float]]) -> list[Alternative]:
    named = dict(sorted(candidates, key=lambda each: -each[1]))
    likely = [(name, sure) for name, sure in named.items() if name != value and sure >= UNLIKELY]
    others = likely[:ALTERNATIVES]
    return [Alternative(name, name, sure or None) for name, sure in others]


def _near(bpm: float, known: Iterable[float]) -> bool:
    return any(abs(bpm / each - 1) <= SAME_TEMPO for each in known)


def _worth_saying(bpm: float, value: float | None, confidence: float) -> bool:
    """Tells the tempos worth offering. Half and double always are: no estimator is sure of them."""
    if value is None:
        return True
    differs = abs(bpm / value - 1) > SAME_TEMPO
    return differs and (confidence >= UNLIKELY or _ratio(bpm, value) in ("half", "double"))


def _ratio(bpm: float, value: float | None) -> str:
    if value is None:
        return ""
    names = ((2.0, "double"), (0.5, "half"), (1.5, "3:2"), (2 / 3, "2:3"))
    return next((n for ratio, n in names if abs(bpm / value / ratio - 1) <= SAME_TEMPO), "")


def bands(spectrum: Spectrum) -> list[Band]:
    """A third of an octave each; the loudest fills the height, FLOOR_DB below it nothing."""
    width = 100 / max(len(spectrum.bands_hz), 1)
    pairs = zip(spectrum.bands_hz, spectrum.levels_db, strict=True)
    return [
        Band(round(index * width, 2), round(width * 0.8, 2), looks.between(level, FLOOR_DB, 0), hz)
        for index, (hz, level) in enumerate(pairs)
    ]
