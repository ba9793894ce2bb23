"""Runs of analyses, one beside another, and the measuring again of a whole vault."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from schemas.audio.report import Report
from schemas.dto import Dto, Timestamp
from schemas.vault.dto import Rejection

RunState = Literal["requested", "completed", "failed"]
FigureValue = float | int | str | list[str] | None
MAX_CHOSEN = 10_000


class FiguresDto(Dto):
    """The short form of a report; `defects` are codes, `genre` is the most likely one."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    tempo_bpm: float | None = None
    key: str | None = None
    key_confidence: float | None = None
    energy: float | None = None
    danceability: float | None = None
    valence: float | None = None
    loudness_lufs: float | None = None
    loudness_range_lu: float | None = None
    true_peak_dbtp: float | None = None
    vocals: float | None = None
    speech: float | None = None
    genre: str | None = None
    instruments: list[str] = Field(default_factory=list)
    moods: list[str] = Field(default_factory=list)
    quality_score: float | None = None
    defects: list[str] = Field(default_factory=list)
    appeal_score: float | None = None
    degraded: list[str] = Field(default_factory=list)


class AnalysisRunDto(Dto):
    """`figures` as they were measured, without what the musician says; null until completed."""

    run: int
    state: RunState
    asked_at: Timestamp
    ended_at: Timestamp | None = None
    error: Rejection | None = None
    analyser: str | None = None
    analyser_version: int | None = None
    has_report: bool = False
    reanalysis_id: str | None = None
    figures: FiguresDto | None = None


class ComparedFigure(Dto):
    name: str
    old: FigureValue
    new: FigureValue
    changed: bool


class AnalysisComparison(Dto):
    """Two runs of one recording; `figures` in the same order every time."""

    asset_id: str
    old: AnalysisRunDto
    new: AnalysisRunDto
    figures: list[ComparedFigure]


class PendingAnalysis(Dto):
    """The analysis is still under way, ask again; `run` is null until the run is known."""

    state: Literal["analysing"] = "analysing"
    run: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How far an analysis is. `report` when there is one to give; `unreported`: the newest run was
    measured before there were reports. Neither: it is under way, as `run` if that is known.
    """

    report: Report | None = None
    unreported: bool = False
    run: int | None = None


class ReanalysisFilter(Dto):
    """Only recordings that an older analyser measured, or only these. Empty: all of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    analyser_version_below: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    asset_ids: (
        Annotated[
            list[Annotated[str, Field(pattern=r"^ast_[0-9a-f]{32}$")]],
            Field(max_length=MAX_CHOSEN),
        ]
        | None
    ) = None


class RequestedReanalysis(Dto):
    id: str
    total: int


class CancelledReanalysis(Dto):
    id: str
    state: Literal["cancelled"] = "cancelled"


class ReanalysisDto(Dto):
    """`done` of `total` are over: measured, given up (`failed`), or passed over because they were
    deleted meanwhile or being measured anyway.
    """

    id: str
    state: Literal["running", "completed", "cancelled"]
    total: int
    done: int
    measured: int
    failed: int
    passed_over: int
    analyser_version_below: int | None = None
    started_at: Timestamp
    finished_at: Timestamp | None = None
