"""The known answers: a table of files and what is true of them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateways.audio.keys import normalise_key
from runtime.errors import RuntimeProblem

COLUMNS = (
    "path", "tempo_bpm", "key", "genre", "instruments", "vocals", "loudness_lufs", "duplicate_of",
)  # fmt: skip
_YES, _NO = {"1", "true", "yes", "y"}, {"0", "false", "no", "n"}


class TruthProblem(RuntimeProblem):
    """The table of known answers cannot be used as it is."""

    status = 422
    code = "truth-unusable"


@dataclass(frozen=True)
class Answer:
    """Known answers for one file; None or empty where nobody knows."""

    path: Path
    tempo_bpm: float | None = None
    key: str | None = None
    genre: str | None = None
    instruments: frozenset[str] | None = None
    vocals: bool | None = None
    loudness_lufs: float | None = None
    duplicate_of: Path | None = None


@dataclass(frozen=True)
class Truth:
    answers: list[Answer]
    ignored_columns: tuple[str, ...] = ()


def read_truth(file: Path, folder: Path) -> Truth:
    """Reads a CSV with a header, or JSON: a list of objects, or {"path": {…}, …}.

    Paths are relative to `folder`. Raises TruthProblem naming the file, the row and what is wrong.
    """
    rows = _rows(file)
    if not rows:
        raise TruthProblem(f"{file} holds no rows")
    named = dict.fromkeys(name for row in rows for name in row)
    if "path" not in named:
        raise TruthProblem(f"{file} has no column `path`; it has: {', '.join(named)}")
    answers = [_answer(row, folder, f"{file}, row {at}") for at, row in enumerate(rows, 1)]
    answers += _originals(answers)
    missing = [str(answer.path) for answer in answers if not answer.path.is_file()]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise TruthProblem(f"{file} names files that are not there: {', '.join(missing[:3])}{more}")
    return Truth(answers, tuple(name for name in named if name not in COLUMNS))


def _originals(answers: list[Answer]) -> list[Answer]:
    """Lists originals that have no row of their own: nothing else is known of them."""
    known = {answer.path for answer in answers}
    named = dict.fromkeys(a.duplicate_of for a in answers if a.duplicate_of is not None)
    return [Answer(path) for path in named if path not in known]


def _rows(file: Path) -> list[Mapping[str, Any]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TruthProblem(f"{file} cannot be read: {error}") from None
    if file.suffix.lower() != ".json":
        return list(csv.DictReader(text.splitlines()))
    try:
        content = json.loads(text)
    except ValueError as error:
        raise TruthProblem(f"{file} is no JSON: {error}") from None
    if isinstance(content, dict):
        content = [{"path": path, **of} for path, of in content.items() if isinstance(of, dict)]
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise TruthProblem(f"{file} must hold a list of objects, or objects by path")
    return content


def _answer(row: Mapping[str, Any], folder: Path, where: str) -> Answer:
    if not row.get("path"):
        raise TruthProblem(f"{where}: no path")
    original = row.get("duplicate_of")
    return Answer(
        path=folder / str(row["path"]),
        tempo_bpm=_number(row, "tempo_bpm", where),
        key=_key(row.get("key"), where),
        genre=str(row["genre"]).strip().lower() if row.get("genre") else None,
        instruments=_names(row.get("instruments")),
        vocals=_yes_or_no(row.get("vocals"), where),
        loudness_lufs=_number(row, "loudness_lufs", where),
        duplicate_of=folder / str(original) if original else None,
    )


def _number(row: Mapping[str, Any], name: str, where: str) -> float | None:
    value = row.get(name)
    if value is None or value == "":
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TruthProblem(f"{where}: {name} is {value!r}, not a number") from None


def _key(written: object, where: str) -> str | None:
    if not written:
        return None
    key = normalise_key(written)
    if key is None:
        raise TruthProblem(f"{where}: {written!r} is no key; write it like `A minor` or `8A`")
    return key


def _names(value: object) -> frozenset[str] | None:
    if not value:
        return None
    names: Iterable[Any] = value if isinstance(value, list) else str(value).split(";")
    return frozenset(str(name).strip().lower() for name in names if str(name).strip())


def _yes_or_no(value: object, where: str) -> bool | None:
    if value is None or value == "":
        return None
    word = str(value).strip().lower()
    if word not in _YES | _NO:
        raise TruthProblem(f"{where}: vocals is {value!r}; write yes or no")
    return word in _YES
