"""Runs the product's own analysis over a folder, on all cores."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from gateways.audio.facts import Analysis
from gateways.audio.pool import AudioPool
from runtime.evaluate.summary import Found, Pairs
from runtime.evaluate.truth import Truth
from schemas.audio.report import Report
from schemas.errors import NoCultureError


def analyse_all(truth: Truth, progress: Callable[[int], None]) -> Pairs:
    """Every file once, each in a child of its own lane; `progress` hears how many are done."""
    workers = os.cpu_count() or 1
    paths = [answer.path for answer in truth.answers]
    found: dict[Path, Found] = {}
    with (
        AudioPool(workers) as pool,
        ThreadPoolExecutor(workers) as threads,
    ):
        waiting = {threads.submit(_analysed, pool, path): path for path in dict.fromkeys(paths)}
        for done, future in enumerate(as_completed(waiting), 1):
            found[waiting[future]] = future.result()
            progress(done)
    return [(answer, found[answer.path]) for answer in truth.answers]


def _analysed(pool: AudioPool, path: Path) -> Found:
    try:
        return found_in(pool.analyse(path))
    except (NoCultureError, OSError) as error:
        return Found(failed=f"{type(error).__name__}: {error}")


def found_in(analysis: Analysis) -> Found:
    report = Report.model_validate_json(analysis.report)
    fingerprint = analysis.measurement.fingerprint
    features, genre = report.audioFeatures, report.genre
    names = [genre.primary] if genre.primary else []
    names += [guess.name for guess in genre.alternatives if guess.name not in names]
    return Found(
        tempo_bpm=_number(features.tempo.value),
        tempo_confidence=features.tempo.confidence,
        key=str(features.key.value) if features.key.value else None,
        key_confidence=features.key.confidence,
        genre=genre.primary,
        genres=names,
        genre_confidence=genre.confidence,
        instruments=frozenset(one.name for one in report.instruments.detected),
        vocals=_number(features.vocals.value),
        loudness_lufs=_number(features.loudness.value),
        fingerprint=fingerprint.data if fingerprint else None,
    )


def _number(value: float | str | None) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None
