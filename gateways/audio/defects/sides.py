"""Rules about the two channels: phase, mono, balance, and one that is silent."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gateways.audio.defects.finding import finding, runs_as_spans
from gateways.audio.defects.heard import Measured
from gateways.audio.defects.spectra import third_octaves
from schemas.audio.report import Finding

PHASE_LIMIT = -0.2
SIDE_LIMIT_DB = 3.0
MONO_LOSS_LIMIT_DB = 9.0
_SILENT_POWER = 1e-6  # -60 dBFS
_SAME = 2e-4  # six steps of 16 bits: what encoders make of two equal channels
_BASS_TOP_HZ = 250
_WINDOW_S = 1.0


def sides(heard: Measured) -> Iterator[Finding]:
    """At most one of what is wrong between left and right, the graver first."""
    if heard.steps.channels != 2 or len(heard.steps.power) == 0:
        return
    power = np.maximum(heard.steps.power - np.square(heard.steps.mean), 0).mean(axis=0)
    if power.max() <= _SILENT_POWER:
        return
    if power.min() < _SILENT_POWER and power.min() < power.max() / 1000:
        yield _one_sided(power)
        return
    if heard.steps.widest <= _SAME:
        yield _mono_as_stereo(heard.steps.widest)
        return
    found = [*_phase(heard)]
    yield from found or _mono_loss(heard)
    yield from _balance(power)


def _one_sided(power: np.ndarray) -> Finding:
    silent = ("left", "right")[int(power.argmin())]
    return finding(
        "one-sided",
        f"The {silent} channel is silent",
        "Check the routing of the export: bounce both channels, or export as mono.",
        "mean level of each channel",
        value=float(10 * np.log10(max(power.min(), 1e-15))),
        unit="dBFS",
        limit=-60.0,
        deduction=20.0,
    )


def _mono_as_stereo(widest: float) -> Finding:
    return finding(
        "mono-as-stereo",
        "Both channels are the same: it is mono in a stereo file",
        "That is fine if you mean it; otherwise check that the export was not summed to mono.",
        "greatest difference between left and right",
        value=widest,
        unit="of full scale",
        limit=_SAME,
    )


def correlation(heard: Measured) -> float | None:
    """Correlates left and right over all: 1 the same, 0 nothing in common, -1 upside down."""
    power, mean = heard.steps.power, heard.steps.mean
    if heard.steps.channels != 2 or len(power) == 0:
        return None
    cross = float((heard.steps.cross - mean[:, 0] * mean[:, 1]).mean())
    sizes = np.maximum(power - np.square(mean), 0).mean(axis=0)
    return cross / float(np.sqrt(sizes[0] * sizes[1])) if sizes.min() > 0 else None


def _phase(heard: Measured) -> Iterator[Finding]:
    overall = correlation(heard)
    count = max(1, round(_WINDOW_S / heard.steps.step_s))
    whole = len(heard.steps.cross) // count * count
    cross = heard.steps.cross[:whole].reshape(-1, count).mean(axis=1)
    power = heard.steps.power[:whole].reshape(-1, count, 2).mean(axis=1)
    size = np.sqrt(power[:, 0] * power[:, 1])
    against = (cross < PHASE_LIMIT * size) & (size > _SILENT_POWER)
    spans = runs_as_spans(against, count * heard.steps.step_s, 2.0)
    if overall is None or (overall >= PHASE_LIMIT and not spans):
        return
    upside_down = overall < PHASE_LIMIT
    yield finding(
        "phase",
        "Left and right work against each other",
        "Flip the phase of one channel, or narrow the widener that causes it: on a phone, in a "
        "club or on any mono speaker this music thins out or vanishes.",
        "correlation of left and right, overall and in each second",
        value=overall if upside_down else min(float((cross / (size + 1e-12))[against].min()), 0.0),
        limit=PHASE_LIMIT,
        spans=spans,
        deduction=25.0 if overall < -0.7 else 15.0 if upside_down else 6.0,
    )


def _mono_loss(heard: Measured) -> Iterator[Finding]:
    """A bass that is wide cancels out in mono although the whole does not."""
    centres, power, mono = third_octaves(heard.spectra)
    matters = (centres <= _BASS_TOP_HZ) & (power > power.max(initial=0) * 1e-2)
    if not matters.any():
        return
    loss = 10 * np.log10(power[matters] / np.maximum(mono[matters], 1e-20))
    worst = int(loss.argmax())
    if loss[worst] < MONO_LOSS_LIMIT_DB:
        return
    yield finding(
        "mono-bass",
        f"In mono the bass around {centres[matters][worst]:.0f} Hz loses {loss[worst]:.0f} dB",
        "Keep everything below 150 Hz in the middle: a utility plug-in's bass mono does it.",
        "third-octave power of the mono sum against that of the channels",
        value=float(loss[worst]),
        unit="dB",
        limit=MONO_LOSS_LIMIT_DB,
        deduction=6.0,
    )


def _balance(power: np.ndarray) -> Iterator[Finding]:
    difference_db = float(10 * np.log10(power[0] / power[1]))
    if abs(difference_db) < SIDE_LIMIT_DB:
        return
    louder = "left" if difference_db > 0 else "right"
    yield finding(
        "imbalance",
        f"The {louder} channel is {abs(difference_db):.1f} dB louder",
        "Balance the channels of the mix unless you mean the lean.",
        "mean level of left against right",
        value=difference_db,
        unit="dB",
        limit=SIDE_LIMIT_DB,
        deduction=3.0 if abs(difference_db) < 6 else 8.0,
    )
