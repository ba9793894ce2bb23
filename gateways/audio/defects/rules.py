"""All rules in turn, and the score that follows from what they found."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gateways.audio.defects import colour, levels, sides, wholeness
from gateways.audio.defects.finding import finding
from gateways.audio.defects.heard import Measured
from gateways.audio.defects.stores import store_levels
from schemas.audio.report import Finding, Quality, StoreLevel

Rule = Callable[[Measured], Iterator[Finding]]
# These rules judge the file as it is; a file without sound is judged by them alone.
RULES_OF_THE_FILE = (wholeness.wholeness, wholeness.surround, levels.offset)
# These rules skip downmixes: the sum of many channels may be 7 dB over full scale without a fault.
RULES_OF_LEVEL = (
    levels.clipping,
    levels.true_peak,
    levels.loudness,
    levels.dynamics,
    levels.stores,
)
RULES_OF_SOUND = (
    levels.silence,
    levels.cut_end,
    levels.gaps,
    sides.sides,
    colour.sample_rate,
    colour.bandwidth,
    colour.under_the_music,
)
FORMULA = (
    "100 less the deductions of the findings, never below 0. Only defects of the file count, "
    "not taste."
)


def judge(heard: Measured) -> Quality:
    """Findings, the dearest first. Silence has one finding and no score."""
    if heard.lufs is None and heard.true_peak_dbtp is None:
        return Quality(score=None, formula=FORMULA, feedback=[_silent(heard)])
    if not _sounds(heard):
        found = [*_found(RULES_OF_THE_FILE, heard), _silent(heard)]
        return Quality(score=None, formula=FORMULA, feedback=found)
    rules = RULES_OF_THE_FILE + RULES_OF_SOUND + (() if heard.is_downmix else RULES_OF_LEVEL)
    found = _found(rules, heard)
    score = max(0.0, 100.0 - sum(one.deduction for one in found))
    return Quality(score=round(score, 1), formula=FORMULA, feedback=found, stores=_stores(heard))


def _found(rules: tuple[Rule, ...], heard: Measured) -> list[Finding]:
    return sorted((one for rule in rules for one in rule(heard)), key=lambda one: -one.deduction)


def _stores(heard: Measured) -> list[StoreLevel]:
    if heard.lufs is None or heard.true_peak_dbtp is None or heard.is_downmix:
        return []
    return store_levels(heard.lufs, heard.true_peak_dbtp)


def _sounds(heard: Measured) -> bool:
    """An offset alone is no sound, yet has a peak."""
    levels_db = heard.steps.level_db()
    return len(levels_db) == 0 or float(levels_db.max()) > levels.SILENT_DB


def _silent(heard: Measured) -> Finding:
    return finding(
        "silent",
        "The file has no sound",
        "Check that the tracks were not muted at the export, and upload the file again.",
        f"no 20 ms louder than {levels.SILENT_DB:g} dBFS",
        value=round(heard.duration_s, 2),
        unit="s",
        limit=0,
    )
