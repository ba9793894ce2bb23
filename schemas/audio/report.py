"""The report of one analysis: everything that was measured, with the method behind every number.

Stored as a JSON blob (`application/vnd.noculture.report+json`) that `analysis.completed` names;
its first six fields are the answer of POST /api/analysis/enhanced. Times are seconds from the
beginning, shares and confidences are 0..1.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

REPORT_MEDIA_TYPE = "application/vnd.noculture.report+json"
REPORT_VERSION = 1
Severity = Literal["info", "minor", "major", "severe"]
Share = Annotated[float, Field(ge=0, le=1)]


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Method(Part):
    """Where a number comes from. `model` is a learned model's id, `weights_sha256` of its file.

    `confidence` 1: a plain measurement, which is as sure as its definition; None only where nobody
    looked. `overridden`: the musician said so, and `measured` is what had been found.
    """

    method: str
    model: str | None = None
    weights_sha256: str | None = None
    confidence: Share | None = None
    overridden: bool = False


class Figure(Method):
    """`value` is None where there is none to be had: silence has no tempo."""

    value: float | str | None
    unit: str | None = None
    measured: float | str | None = None


class TempoCandidate(Part):
    bpm: float
    confidence: Share


class Tempo(Figure):
    """Beats per minute; `candidates` holds the half and the double too."""

    candidates: list[TempoCandidate] = Field(default_factory=list)
    stable: bool | None = None


class KeyCandidate(Part):
    key: str
    confidence: Share


class Key(Figure):
    camelot: str | None = None
    candidates: list[KeyCandidate] = Field(default_factory=list)
    tuning_hz: float | None = None


class AudioFeatures(Part):
    """Loudness in LUFS, range in LU, true peak in dBTP, attacks a second, brightness in Hz."""

    tempo: Tempo
    key: Key
    energy: Figure
    danceability: Figure
    valence: Figure
    loudness: Figure
    loudness_range: Figure
    true_peak: Figure
    dynamic_range: Figure
    onset_rate: Figure
    brightness: Figure
    acousticness: Figure
    vocals: Figure
    speech: Figure
    time_signature: Figure


class GenreGuess(Part):
    name: str
    confidence: Share


class Genre(Method):
    """`primary` None: nothing that the model knows stands out. `measured`: under an override."""

    primary: str | None
    confidence: Share | None
    alternatives: list[GenreGuess] = Field(default_factory=list)
    measured: str | None = None


class Instrument(Method):
    """`share` of the recording in which it is heard; `certainty` in words for the page."""

    name: str
    share: Share
    certainty: Literal["likely", "possible", "said"]
    lead: bool = False


class Lane(Part):
    """How present one instrument is at each step, 0..1."""

    name: str
    values: list[Share]


class Lanes(Method):
    step_s: float
    lanes: list[Lane] = Field(default_factory=list)


class Instruments(Part):
    detected: list[Instrument] = Field(default_factory=list)
    timeline: Lanes


class Span(Part):
    start_s: float
    end_s: float


class Finding(Part):
    """One technical defect: its number against the limit, where, what it costs, how to mend it."""

    code: str
    severity: Severity
    title: str
    value: float | None
    unit: str | None
    limit: float | None
    spans: list[Span] = Field(default_factory=list, max_length=200)
    deduction: float
    fix: str
    method: str


class StoreLevel(Part):
    """A store's gain on the level (below 0: it turns it down), and how loud that then is."""

    name: str
    target_lufs: float
    gain_db: float
    plays_at_lufs: float


class Quality(Part):
    """100 less the deductions of `feedback`; None for silence. `formula` says so in words.

    `stores`: what each does to the level, which is no defect. `opinions`: of a learned model, if
    the operator has one; they never enter the score.
    """

    score: float | None
    formula: str
    feedback: list[Finding] = Field(default_factory=list)
    stores: list[StoreLevel] = Field(default_factory=list)
    opinions: list[Figure] = Field(default_factory=list)


class AppealFactor(Part):
    """`contribution` = weight · value, in points of the score."""

    name: str
    value: Share | None
    weight: float
    contribution: float
    why: str


class Virality(Part):
    """The appeal heuristic: a sum anybody can check, no prediction. `low`..`high` is its range."""

    score: float | None
    low: float | None
    high: float | None
    method: str
    confidence: Share
    note: str
    factors: list[AppealFactor] = Field(default_factory=list)


class Recommendation(Part):
    """The next thing to do, and the finding or figure that says so."""

    code: str
    text: str
    because: str


class Beats(Method):
    """`downbeats` are indexes into `times_s`."""

    times_s: list[float] = Field(default_factory=list)
    downbeats: list[int] = Field(default_factory=list)


class Chord(Span):
    """`name` as in `A minor`, `G`; `N` where there is none."""

    name: str
    confidence: Share


class Chords(Method):
    spans: list[Chord] = Field(default_factory=list)


class Section(Span):
    """Sections of one `label` (A, B, …) sound alike; `role` is a guess: intro, verse, chorus."""

    label: str
    role: str | None = None
    confidence: Share


class Sections(Method):
    spans: list[Section] = Field(default_factory=list)


class Curve(Part):
    """One number every `step_s` seconds; None in silence."""

    step_s: float
    values: list[float | None] = Field(default_factory=list)


class Spectrum(Part):
    """Mean level of each band of a third of an octave, in dB below the loudest one."""

    bands_hz: list[float] = Field(default_factory=list)
    levels_db: list[float] = Field(default_factory=list)


class Curves(Part):
    """`loudness`: short-term LUFS (3 s windows). `voice`: singing, `talk`: speech, 0..1."""

    loudness: Curve
    spectrum: Spectrum
    voice: Curve | None = None
    talk: Curve | None = None


class UsedModel(Part):
    id: str
    weights_sha256: str
    licence: str


class EnhancedAnalysis(Part):
    """The answer of POST /api/analysis/enhanced."""

    audioFeatures: AudioFeatures  # as the roadmap names it
    genre: Genre
    instruments: Instruments
    quality: Quality
    virality: Virality
    recommendations: list[Recommendation] = Field(default_factory=list)


class Report(EnhancedAnalysis):
    version: int = REPORT_VERSION
    analyser: str
    analyser_version: int
    duration_s: float
    moods: list[str] = Field(default_factory=list)
    beats: Beats
    chords: Chords
    sections: Sections
    curves: Curves
    models: list[UsedModel] = Field(default_factory=list)
    degraded: list[str] = Field(default_factory=list)
    timings_s: dict[str, float] = Field(default_factory=dict)
