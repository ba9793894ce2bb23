"""Seconds that are left of those that all steps share."""

from __future__ import annotations

import time


def left(deadline_s: float) -> float:
    """Seconds until then. Raises TimeoutError."""
    seconds = deadline_s - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds
