"""Rules about level: clipping, peaks, loudness in the stores, dynamics, offset, silence, ends."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from gateways.audio.defects.finding import finding, runs_as_spans
from gateways.audio.defects.heard import Measured
from gateways.audio.defects.stores import store_levels
from schemas.audio.report import Finding, Span

PEAK_LIMIT_DBTP = -1.0
TOO_LOUD_LUFS = -7.0
TOO_QUIET_LUFS = -20.0
MUCH_TOO_QUIET_LUFS = -30.0
LEAST_PEAK_TO_LOUDNESS_DB = 7.0
OFFSET_LIMIT = 0.005  # of full scale, -46 dB
SILENT_DB = -65.0
HEAD_LIMIT_S, TAIL_LIMIT_S, INSIDE_LIMIT_S = 1.0, 5.0, 2.0
CUT_END_DB = -30.0
STORE_LEVELS = "store-levels"
_STORE_MATTERS_DB = 2.0  # by so much their targets differ themselves
_BESIDE_S = 0.05
_LINES_OF_A_TONE = 8  # of 2,049


def clipping(heard: Measured) -> Iterator[Finding]:
    runs = heard.clipping.runs
    if runs == 0:
        return
    per_minute = runs / max(heard.duration_s / 60, 1 / 60)
    yield finding(
        "clipping",
        f"Peaks are cut flat in {_times(runs)}",
        "Lower the level before the last limiter or converter by a few decibels and export again: "
        "this file has lost the cut peaks for good.",
        "runs of three and more samples that stand still at the top with a corner beside",
        value=runs,
        unit="runs",
        limit=0,
        spans=heard.clipping.spans,
        deduction=min(30.0, 4 + 8 * math.log10(1 + per_minute / 3)),
    )


def true_peak(heard: Measured) -> Iterator[Finding]:
    peak = heard.true_peak_dbtp
    if peak is None or peak <= PEAK_LIMIT_DBTP + 0.05:
        return
    yield finding(
        "true-peak",
        f"The true peak is {peak:+.1f} dBTP",
        "Set the ceiling of the last limiter to \u22121 dBTP with true peak detection on: stores "
        "encode lossily, and higher peaks distort there.",
        "highest point of 4 times oversampling",
        value=peak,
        unit="dBTP",
        limit=PEAK_LIMIT_DBTP,
        spans=heard.over_limit,
        deduction=2.0 if peak <= 0 else 4.0 if peak <= 1 else 7.0,
    )


def loudness(heard: Measured) -> Iterator[Finding]:
    lufs = heard.lufs
    if lufs is None:
        return
    if lufs > TOO_LOUD_LUFS:
        yield finding(
            "too-loud",
            f"The track is very loud: {lufs:.1f} LUFS",
            "Every store turns the track down to its own target, so the loudness is lost and the "
            "squashing stays: ease off the limiter.",
            "integrated loudness, ITU-R BS.1770-4",
            value=lufs,
            unit="LUFS",
            limit=TOO_LOUD_LUFS,
            deduction=4.0,
        )
    if lufs < TOO_QUIET_LUFS:
        yield finding(
            "too-quiet",
            f"The track is quiet: {lufs:.1f} LUFS",
            "Beside other music it sounds weak in stores that do not turn it up: raise it towards "
            "\u221214 to \u221216 LUFS with peaks under \u22121 dBTP.",
            "integrated loudness, ITU-R BS.1770-4",
            value=lufs,
            unit="LUFS",
            limit=TOO_QUIET_LUFS,
            deduction=4.0 if lufs >= MUCH_TOO_QUIET_LUFS else 10.0,
        )


def stores(heard: Measured) -> Iterator[Finding]:
    """Tells in one notice how much stores change the level; that is no defect."""
    if heard.lufs is None or heard.true_peak_dbtp is None:
        return
    levels = store_levels(heard.lufs, heard.true_peak_dbtp)
    down = [-one.gain_db for one in levels if one.gain_db <= -_STORE_MATTERS_DB]
    up = [one.gain_db for one in levels if one.gain_db >= _STORE_MATTERS_DB]
    short = [one.target_lufs - one.plays_at_lufs for one in levels]
    short = [short_db for short_db in short if short_db >= _STORE_MATTERS_DB]
    says = [
        *([f"turn it down by {_span_db(down)}"] if down else []),
        *([f"turn it up by {_span_db(up)}"] if up else []),
        *([f"leave it {_span_db(short)} under their level"] if short else []),
    ]
    if not says:
        return
    each = ", ".join(f"{one.name} {_signed_db(one.gain_db)}" for one in levels)
    yield finding(
        STORE_LEVELS,
        f"Stores {' or '.join(says)}",
        f"That is no defect: stores play all music at one level ({each}). Compare the track at "
        "that level with music you like before you master it again.",
        "each store's target less the integrated loudness; turned up only to \u22121 dBTP",
        value=heard.lufs,
        unit="LUFS",
    )


def _span_db(values: list[float]) -> str:
    low, high = (f"{value:.1f}" for value in (min(values), max(values)))
    return f"{low} dB" if low == high else f"{low} to {high} dB"


def _signed_db(gain: float) -> str:
    return f"{gain:+.1f} dB" if gain else "unchanged"


def dynamics(heard: Measured) -> Iterator[Finding]:
    ratio = heard.peak_to_loudness_db
    if ratio is None or ratio >= LEAST_PEAK_TO_LOUDNESS_DB or _is_a_steady_tone(heard):
        return
    yield finding(
        "squashed",
        f"Little dynamic is left: peaks are only {ratio:.1f} dB above the loudness",
        "Less limiting and compression on the sum lets drums and voices stand out again.",
        "true peak less integrated loudness",
        value=ratio,
        unit="dB",
        limit=LEAST_PEAK_TO_LOUDNESS_DB,
        deduction=5.0,
    )


def _is_a_steady_tone(heard: Measured) -> bool:
    """A held wave has a small ratio by nature: nothing was squashed."""
    lines = np.sort(heard.spectra.power)[::-1]
    return float(lines[:_LINES_OF_A_TONE].sum()) >= 0.9 * float(lines.sum())


def offset(heard: Measured) -> Iterator[Finding]:
    means = heard.steps.mean
    if len(means) == 0:
        return
    worst = means.mean(axis=0)[np.argmax(np.abs(means.mean(axis=0)))]
    if abs(worst) < OFFSET_LIMIT:
        return
    yield finding(
        "dc-offset",
        f"The wave does not swing around zero: it lies {worst * 100:+.1f}% off",
        "Remove the offset with a high-pass at 10\u201320 Hz: it takes headroom and clicks "
        "at cuts.",
        "mean of all samples of a channel",
        value=float(worst),
        unit="of full scale",
        limit=OFFSET_LIMIT,
        spans=[Span(start_s=0.0, end_s=round(heard.duration_s, 3))],
        deduction=3.0 if abs(worst) < 0.02 else 8.0,
    )


def silence(heard: Measured) -> Iterator[Finding]:
    steps = heard.steps
    sounding = np.flatnonzero(steps.level_db() > SILENT_DB)
    if len(sounding) == 0:
        return
    end_s = round(heard.duration_s, 3)
    head_s, tail_s = sounding[0] * steps.step_s, end_s - (sounding[-1] + 1) * steps.step_s
    if head_s > HEAD_LIMIT_S:
        span = Span(start_s=0.0, end_s=round(head_s, 3))
        yield _silent("silence-start", "at the beginning", head_s, HEAD_LIMIT_S, [span])
    inside = runs_as_spans(
        steps.level_db()[: sounding[-1]] <= SILENT_DB, steps.step_s, INSIDE_LIMIT_S
    )
    inside = [span for span in inside if span.start_s > 0]
    if inside:
        longest_s = max(span.end_s - span.start_s for span in inside)
        yield _silent("silence-inside", "in the middle", longest_s, INSIDE_LIMIT_S, inside)
    if tail_s > TAIL_LIMIT_S:
        span = Span(start_s=round(end_s - tail_s, 3), end_s=end_s)
        yield _silent("silence-end", "at the end", tail_s, TAIL_LIMIT_S, [span])


def _silent(code: str, where: str, length_s: float, limit_s: float, spans: list[Span]) -> Finding:
    return finding(
        code,
        f"There are {length_s:.1f} s of silence {where}",
        "Cut the silence away if you do not mean it: listeners skip a track that does not begin, "
        "and a gap in a playlist sounds like a fault.",
        f"20 ms steps under {SILENT_DB:g} dBFS",
        value=length_s,
        unit="s",
        limit=limit_s,
        spans=spans,
        deduction=2.0 if code != "silence-inside" else 3.0,
    )


def cut_end(heard: Measured) -> Iterator[Finding]:
    """The last 20 ms are as loud as the music was: nothing fades, the file just stops."""
    levels = heard.steps.level_db()
    if heard.duration_s < 2 or len(levels) < 100 or heard.missing_s > 0:
        return
    last, before = float(levels[-1]), float(np.median(levels[-50:-1]))
    if last < CUT_END_DB or last < before - 6:
        return
    end_s = round(heard.duration_s, 3)
    yield finding(
        "cut-end",
        "The sound is cut off at the end",
        "Export the track with its last note and echo, or fade out; upload the whole file if this "
        "one was cut on its way.",
        "level of the last 20 ms",
        value=last,
        unit="dBFS",
        limit=CUT_END_DB,
        spans=[Span(start_s=round(max(0.0, end_s - 0.5), 3), end_s=end_s)],
        deduction=6.0,
    )


def gaps(heard: Measured) -> Iterator[Finding]:
    dropouts = heard.gaps.dropouts
    # A cut peak can have a single sample that is not: one defect, not two.
    clicks = [one for one in heard.gaps.clicks if not _within(one, heard.clipping.spans)]
    if dropouts:
        yield finding(
            "dropout",
            f"The sound drops out in {_times(len(dropouts))}",
            "Export again with a larger buffer, or repair the places where the sound is gone for "
            "an instant.",
            "2 ms to 1 s of no sound with over \u221240 dBFS directly before and after",
            value=len(dropouts),
            unit="places",
            limit=0,
            spans=dropouts,
            deduction=min(20.0, 5.0 + 2 * len(dropouts)),
        )
    if clicks:
        yield finding(
            "click",
            f"Single samples stick out in {_times(len(clicks))}",
            "Remove the clicks with a declicker, or crossfade the cuts where they are.",
            "a sample that its neighbours do not foretell, alone within eight each side",
            value=len(clicks),
            unit="places",
            limit=0,
            spans=clicks,
            deduction=min(15.0, 3.0 + len(clicks)),
        )


def _within(place: Span, spans: list[Span]) -> bool:
    return any(one.start_s - _BESIDE_S <= place.start_s <= one.end_s + _BESIDE_S for one in spans)


def _times(count: int) -> str:
    return "one place" if count == 1 else f"{count} places"
