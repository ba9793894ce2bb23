"""The answer of a commit over HTTP."""

from __future__ import annotations

from fastapi import Response

from events.store.pending import Committed
from kit.conditions import etag
from kit.positions import answer_position


def answer(response: Response, committed: Committed, *, with_etag: bool = False) -> None:
    """Headers of a change: Event-Position, Idempotent-Replayed, and the new ETag if asked for."""
    answer_position(response, committed.position)
    if committed.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    if with_etag:
        response.headers["ETag"] = etag(committed.stream_version)
