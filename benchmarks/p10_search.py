"""P10: the vault's one box over 100,000 recordings: how long answers take, and what the index of
vectors finds of what comparing all finds.

Answers go through the product's own queries (`read_api`), from the question to the resources.
The peer of the waiting time is the promise of 50 ms, of all questions and of the slowest kind; the
peer of the index is exact search, in the same run on the same data.
"""

from __future__ import annotations

import random
import statistics
import time

import numpy as np
from psycopg_pool import ConnectionPool

from benchmarks.p10_questions import Questions
from benchmarks.p10_vault import MODEL, WORKSPACE, Catalogue, fill, pgvector
from benchmarks.result import Result
from benchmarks.rig import Rig
from kit.paging import Cursors
from kit.tokens import Signer
from read_api.vault.assets import AssetQueries
from read_api.vault.search.nearest import SETTINGS, Nearest
from read_api.views import Views

ASSETS, QUICK_ASSETS = 100_000, 5_200
QUESTIONS, QUICK_QUESTIONS = 100, 4
GOAL_MS, RECALL_GOAL = 50.0, 0.95
TOP = 10


class Sentences:
    """A text model's place taken by points near those that were written: no model is measured."""

    model, dimensions = MODEL, 384

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def load(self) -> None:
        pass

    def embed(self, texts: list[str]) -> np.ndarray:
        found = self._catalogue.points(len(texts), self._catalogue.sentences, 0.3)
        near = found.astype(np.float32)
        return near / np.linalg.norm(near, axis=1, keepdims=True)


def measure(rig: Rig) -> list[Result]:
    size, count = (QUICK_ASSETS, QUICK_QUESTIONS) if rig.quick else (ASSETS, QUESTIONS)
    catalogue = Catalogue(size, rig.seed)
    database = rig.database()
    began = time.perf_counter()
    fill(database.owner_url, database.worker_url, catalogue)
    filled_s = time.perf_counter() - began
    with rig.pool(database.app_url) as pool:
        times = _waits(pool, catalogue, count, random.Random(rig.seed))  # noqa: S311
        recall = _recalls(pool, catalogue, count)
    return _results(size, rig.seed, filled_s, times, recall)


def _waits(
    pool: ConnectionPool, catalogue: Catalogue, count: int, chance: random.Random
) -> dict[str, list[float]]:
    """Milliseconds of each kind of question; kinds in turns, so that a slow minute hits all."""
    cursors = Cursors(Signer(b"s" * 32))
    assets = AssetQueries(pool, cursors, lambda: Sentences(catalogue))
    asking = Questions(assets, catalogue, chance).kinds()
    times: dict[str, list[float]] = {name: [] for name in asking}
    # Two turns are not measured: the first questions read pages from disk and connect.
    for turn in range(count + 2):
        for name, ask in asking.items():
            answer = ask()
            began = time.perf_counter()
            answer()
            if turn >= 2:
                times[name].append((time.perf_counter() - began) * 1000)
    return times


def _recalls(pool: ConnectionPool, catalogue: Catalogue, count: int) -> dict[str, dict[str, float]]:
    """Measures the share of the ten truly nearest that the index finds, and the milliseconds of
    the index and of comparing all."""
    views = Views(pool)
    found = {}
    for space, centres, spread in (
        ("sound", catalogue.centres, 0.8),
        ("words", catalogue.sentences, 0.3),
    ):
        shares, fast, slow = [], [], []
        for point in catalogue.points(count, centres, spread):
            near = Nearest(space, MODEL, pgvector(point))  # type: ignore[arg-type]
            answers = []
            for few, times in ((False, fast), (True, slow)):
                statement = near.candidates("workspace_id = %(workspace_id)s", few=few)
                asked = {"workspace_id": WORKSPACE, **near.parameters}
                began = time.perf_counter()
                rows = views.rows(statement, asked, {**SETTINGS, "jit": "off"})
                times.append((time.perf_counter() - began) * 1000)
                answers.append({row["asset_id"] for row in rows[:TOP]})
            shares.append(len(answers[0] & answers[1]) / TOP)
        found[space] = {
            "recall": statistics.mean(shares),
            "worst": min(shares),
            "index_ms": statistics.median(fast),
            "exact_ms": statistics.median(slow),
        }
    return found


def _results(
    size: int,
    seed: int,
    filled_s: float,
    times: dict[str, list[float]],
    recall: dict[str, dict[str, float]],
) -> list[Result]:
    every = sorted(took for kind in times.values() for took in kind)
    kinds = {
        name: {
            "p50_ms": round(statistics.median(took), 1),
            "p95_ms": round(_p95(took), 1),
            "max_ms": round(max(took), 1),
        }
        for name, took in times.items()
    }
    slowest = max(times, key=lambda name: _p95(times[name]))
    worst = Result(
        name="P10",
        title=f"The same of the slowest kind of question, {size:,} recordings",
        ours=round(_p95(times[slowest]), 2),
        peer="the promise",
        theirs=GOAL_MS,
        ratio=_p95(times[slowest]) / GOAL_MS,
        goal=1.0,
        unit="ms",
        at_most=True,
        details={"kind": slowest},
    )
    waits = Result(
        name="P10",
        title=f"95 of 100 answers of the vault's search, {size:,} recordings",
        ours=round(_p95(every), 2),
        peer="the promise",
        theirs=GOAL_MS,
        ratio=_p95(every) / GOAL_MS,
        goal=1.0,
        unit="ms",
        at_most=True,
        details={"seed": seed, "questions": len(every), "kinds": kinds, "fill_s": round(filled_s)},
    )
    found = [
        Result(
            name="P10",
            title=f"recall@{TOP} by {space}, {size:,} vectors",
            ours=round(each["recall"], 4),
            peer="comparing all",
            theirs=1.0,
            ratio=each["recall"],
            goal=RECALL_GOAL,
            unit="share",
            details={name: round(value, 3) for name, value in each.items()} | {"seed": seed},
        )
        for space, each in recall.items()
    ]
    return [waits, worst, *found]


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[18]
