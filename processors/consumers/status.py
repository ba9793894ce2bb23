"""The document that `./noculture consumers` prints (CONTRACT §1)."""

from __future__ import annotations

from typing import Any

from events.log.progress import LogProgress


def consumers_status(progress: LogProgress) -> dict[str, list[dict[str, Any]]]:
    """`stopped` is null while the consumer works, else what somebody has to do."""
    return {
        "consumers": [
            {
                "name": consumer.name,
                "kind": consumer.kind,
                "position": consumer.position,
                "lag": consumer.lag,
                "parked": consumer.parked,
                "version": consumer.version,
                "stopped": consumer.stopped,
            }
            for consumer in progress.all()
        ]
    }
