"""Personal values of stored data in plain, for whoever may read them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# (event id, stream id, tenant, its stored data) → the data with personal values in plain.
Reveal = Callable[[str, str, str, dict[str, Any]], dict[str, Any]]


def as_stored(event_id: str, stream_id: str, tenant: str, data: dict[str, Any]) -> dict[str, Any]:
    """Reveals nothing: personal values stay as the log and its topics have them."""
    return data
