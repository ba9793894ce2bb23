"""The nearest by vector: how recordings sound, and what words say of them (pgvector, cosine)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Space = Literal["sound", "words"]
# So many of the nearest take part in a ranking.
CANDIDATES = 200
# Up to so many rows all are compared, which is exact and takes 1.5 µs each; beyond, the index is
# asked, and its nearest are filtered afterwards.
FEW = 3_000
# Read by pgvector: how far the index looks, and that it goes on where other workspaces' rows or
# another model's were in the way. 200 gave a recall@10 of .99 of 100,000 in 3 ms (bench P10).
SETTINGS = {
    "hnsw.ef_search": "200",
    "hnsw.iterative_scan": "strict_order",
    "hnsw.max_scan_tuples": "40000",
}


@dataclass(frozen=True, slots=True)
class Nearest:
    """Towards `vector` (as pgvector reads it) in the space of `model`, at least `least` close."""

    space: Space
    model: str
    vector: str
    least: float = -1.0

    @property
    def table(self) -> str:
        """Names the common table of the candidates; its column is `<table>_closeness`."""
        return f"near_{self.space}"

    @property
    def parameters(self) -> dict[str, Any]:
        name = self.space
        return {f"{name}_vector": self.vector, f"{name}_model": self.model}

    def candidates(self, where: str, *, few: bool) -> str:
        """The common table's body: (asset_id, closeness), of rows of the vault that fulfil `where`
        if they are few, else of the workspace."""
        space = self.space
        far = f"{space} <=> %({space}_vector)s::halfvec AS far"
        columns = f"asset_id, {space}_model AS model, {far}"
        mine = "workspace_id = %(workspace_id)s"
        if few:
            # OFFSET keeps the subquery as it is: without, the planner may take the index after
            # all, which finds some of the few.
            source = (
                f"(SELECT {columns} FROM views.sounds WHERE {mine} AND asset_id IN"
                f" (SELECT asset_id FROM views.vault WHERE {where}) OFFSET 0) AS compared"
            )
        else:
            # The model is filtered later: for one without measurements this scan would read all.
            source = (
                f"(SELECT {columns} FROM views.sounds WHERE {mine} AND {space} IS NOT NULL"
                f" ORDER BY far LIMIT {CANDIDATES}) AS compared"
            )
        return (
            f"SELECT asset_id, (1 - far)::numeric AS {self.table}_closeness FROM {source}"
            f" WHERE model = %({space}_model)s AND 1 - far >= {self.least}"
            f" ORDER BY far, asset_id LIMIT {CANDIDATES}"
        )
