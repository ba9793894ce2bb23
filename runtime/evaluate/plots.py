"""Three pictures of an evaluation, as SVG: confidences against the truth, tempo octaves, keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from runtime.errors import PartUnavailable
from runtime.evaluate.scores import key_relation
from runtime.evaluate.summary import Pairs, Summary

_INK, _ACCENT = "#5b6770", "#3b6fd4"


def write_plots(pairs: Pairs, summary: Summary, folder: Path) -> list[Path]:
    """The files that were written. Raises PartUnavailable without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise PartUnavailable("Plots need matplotlib: pip install matplotlib") from None
    folder.mkdir(parents=True, exist_ok=True)
    drawn: list[tuple[str, Any]] = []
    drawings: dict[str, Callable[[Any], None]] = {
        "calibration": lambda axes: _calibration(axes, summary),
        "tempo-octaves": lambda axes: _tempo_octaves(axes, pairs),
        "key-errors": lambda axes: _key_errors(axes, pairs),
    }
    for name, draw in drawings.items():
        figure = Figure(figsize=(6, 3.4), layout="constrained")
        draw(figure.subplots())
        drawn.append((name, figure))
    written = []
    for name, figure in drawn:
        path = folder / f"{name}.svg"
        figure.savefig(path, metadata={"Date": None})
        written.append(path)
    return written


def _calibration(axes: Any, summary: Summary) -> None:
    axes.plot([0, 1], [0, 1], color=_INK, linewidth=0.8, linestyle=":")
    for (name, found), marker in zip(summary.calibrations.items(), "os^", strict=False):
        said = [one.mean_confidence for one in found.bins]
        right = [one.share_right for one in found.bins]
        label = f"{name}, n = {found.n}, off by {found.expected_error:.2f}"
        axes.plot(said, right, marker=marker, label=label)
    axes.set(xlabel="confidence said", ylabel="share right", xlim=(0, 1), ylim=(0, 1.02))
    if summary.calibrations:
        axes.legend(frameon=False)


def _tempo_octaves(axes: Any, pairs: Pairs) -> None:
    """How far off in octaves: 0 is right, 1 the double, -1 the half."""
    off = [
        np.log2(found.tempo_bpm / answer.tempo_bpm)
        for answer, found in pairs
        if answer.tempo_bpm and found.tempo_bpm
    ]
    axes.hist(np.clip(off, -2, 2), bins=np.arange(-2.05, 2.1, 0.1), color=_ACCENT)
    axes.set(xlabel="tempo found, octaves from the true one", ylabel="tracks", yscale="symlog")


def _key_errors(axes: Any, pairs: Pairs) -> None:
    names = ("exact", "fifth", "relative", "parallel", "other")
    counts = Counter(key_relation(found.key, a.key) for a, found in pairs if a.key is not None)
    axes.bar(names, [counts[name] for name in names], color=_ACCENT)
    axes.set(xlabel="the key found is, of the true one, …", ylabel="tracks")
