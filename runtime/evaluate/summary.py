"""All tracks summed up: one row a figure, with n and its interval, and each confidence's record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from runtime.evaluate.duplicates import Alike, alike, recording_of
from runtime.evaluate.scores import (
    auc,
    f1,
    key_weight,
    tempo_right,
    tempo_right_but_octave,
)
from runtime.evaluate.statistics import Calibration, bootstrap, calibration, wilson
from runtime.evaluate.truth import Answer


@dataclass(frozen=True)
class Found:
    """Answers of the analysis for one file; `failed` says why there are none."""

    tempo_bpm: float | None = None
    tempo_confidence: float | None = None
    key: str | None = None
    key_confidence: float | None = None
    genre: str | None = None  # None: nothing stands out
    genres: list[str] = field(default_factory=list)  # with those of second choice
    genre_confidence: float | None = None
    instruments: frozenset[str] = frozenset()
    vocals: float | None = None
    loudness_lufs: float | None = None
    fingerprint: str | None = None  # base64, as events carry it
    failed: str | None = None


@dataclass(frozen=True)
class Row:
    """`low` and `high` are the 95 % interval; None where n tells all there is."""

    figure: str
    value: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Summary:
    """`alike` lists for each track the others said to be the same audio; it is empty where no
    answer names a duplicate."""

    rows: list[Row]
    calibrations: dict[str, Calibration]
    alike: Alike = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "figures": [asdict(row) for row in self.rows],
            "calibration": {name: one.as_json() for name, one in self.calibrations.items()},
        }


Pairs = list[tuple[Answer, Found]]


def summarise(pairs: Pairs) -> Summary:
    """A file that failed counts as wrong in every figure whose answer is known."""
    makers = (_tempo, _key, _genre, _instruments, _vocals, _loudness)
    rows = [row for maker in makers for row in maker(pairs)]
    found_alike: Alike = {}
    if any(answer.duplicate_of is not None for answer, _ in pairs):
        found_alike = alike({answer.path: found.fingerprint for answer, found in pairs})
        rows += _duplicates(pairs, found_alike)
    calibrations = {
        name: one for name, maker in _CALIBRATIONS.items() if (one := maker(pairs)) is not None
    }
    return Summary(rows, calibrations, found_alike)


def _share(figure: str, hits: list[bool]) -> list[Row]:
    if not hits:
        return []
    return [Row(figure, sum(hits) / len(hits), *wilson(sum(hits), len(hits)), len(hits))]


def _mean(figure: str, values: list[float]) -> list[Row]:
    if not values:
        return []
    return [Row(figure, sum(values) / len(values), *bootstrap(values), len(values))]


def _tempo(pairs: Pairs) -> list[Row]:
    known = [(found.tempo_bpm, a.tempo_bpm) for a, found in pairs if a.tempo_bpm is not None]
    return [
        *_share("tempo Acc1", [tempo_right(found, true) for found, true in known]),
        *_share("tempo Acc2", [tempo_right_but_octave(found, true) for found, true in known]),
    ]


def _key(pairs: Pairs) -> list[Row]:
    known = [(found.key, answer.key) for answer, found in pairs if answer.key is not None]
    return [
        *_share("key exact", [found == true for found, true in known]),
        *_mean("key weighted", [key_weight(found, true) for found, true in known]),
    ]


def _genre(pairs: Pairs) -> list[Row]:
    known = [(found, a.genre) for a, found in pairs if a.genre is not None]
    return [
        *_share("genre top 1", [found.genre == true for found, true in known]),
        *_share("genre top 3", [true in found.genres[:3] for found, true in known]),
    ]


def _instruments(pairs: Pairs) -> list[Row]:
    known = [
        f1(set(found.instruments), set(answer.instruments))
        for answer, found in pairs
        if answer.instruments is not None
    ]
    return _mean("instruments F1", known)


def _vocals(pairs: Pairs) -> list[Row]:
    known = [(found.vocals or 0.0, a.vocals) for a, found in pairs if a.vocals is not None]
    area = auc([value for value, _ in known], [true for _, true in known])
    return [] if area is None else [Row("vocals AUC", area, None, None, len(known))]


def _loudness(pairs: Pairs) -> list[Row]:
    off = [
        abs(found.loudness_lufs - answer.loudness_lufs)
        for answer, found in pairs
        if answer.loudness_lufs is not None and found.loudness_lufs is not None
    ]
    return _mean("loudness error, LU", off)


def _duplicates(pairs: Pairs, found: Alike) -> list[Row]:
    """Shares of copies found with their original, and of tracks found with another recording."""
    originals = {answer.path: answer.duplicate_of for answer, _ in pairs}
    copies = {copy: of for copy, of in originals.items() if of in originals}
    recording = {path: recording_of(path, originals) for path in originals}
    mistaken = [any(recording[o] != recording[path] for o in found[path]) for path in found]
    recognised = [original in found.get(copy, []) for copy, original in copies.items()]
    return [
        *_share("duplicates recognised", recognised),
        *_share("false recognitions", mistaken),
    ]


def _kept(
    pairs: Pairs, sure: Callable[[Found], float | None], right: Callable[[Answer, Found], bool],
    known: Callable[[Answer], bool],
) -> Calibration | None:  # fmt: skip
    """Calibrates the answers that were given: a figure that is left out claims nothing."""
    said = [(sure(f), right(a, f)) for a, f in pairs if known(a) and sure(f) is not None]
    return calibration([value or 0.0 for value, _ in said], [hit for _, hit in said])


_CALIBRATIONS: dict[str, Callable[[Pairs], Calibration | None]] = {
    "tempo": lambda pairs: _kept(
        pairs,
        lambda found: found.tempo_confidence if found.tempo_bpm is not None else None,
        lambda answer, found: tempo_right(found.tempo_bpm, answer.tempo_bpm or 0),
        lambda answer: answer.tempo_bpm is not None,
    ),
    "key": lambda pairs: _kept(
        pairs,
        lambda found: found.key_confidence if found.key is not None else None,
        lambda answer, found: found.key == answer.key,
        lambda answer: answer.key is not None,
    ),
    "genre": lambda pairs: _kept(
        pairs,
        lambda found: found.genre_confidence if found.genre is not None else None,
        lambda answer, found: answer.genre == found.genre,
        lambda answer: answer.genre is not None,
    ),
}


def track_as_json(answer: Answer, found: Found, summary: Summary) -> dict[str, Any]:
    """One track: what was said, how surely, and what is true where that is known."""
    return {
        "path": str(answer.path),
        "failed": found.failed,
        "tempo_bpm": found.tempo_bpm,
        "tempo_confidence": found.tempo_confidence,
        "true_tempo_bpm": answer.tempo_bpm,
        "key": found.key,
        "key_confidence": found.key_confidence,
        "true_key": answer.key,
        "genre": found.genre,
        "genres": found.genres,
        "true_genre": answer.genre,
        "loudness_lufs": found.loudness_lufs,
        "true_loudness_lufs": answer.loudness_lufs,
        "same_audio_as": [str(other) for other in summary.alike.get(answer.path, [])],
        "duplicate_of": str(answer.duplicate_of) if answer.duplicate_of else None,
    }
