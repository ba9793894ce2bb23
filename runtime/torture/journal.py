"""Keeps what the clients were told: every command they sent, and the answer they got in the end."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

Outcome = Literal["open", "acked", "refused", "unknown"]


@dataclass(slots=True)
class Deed:
    """One command. `content` is what its event must say; times are seconds since 1970.

    `unknown`: nobody gave a definite answer, so it may have happened once or not at all.
    """

    kind: str
    command_id: str
    content: dict[str, Any]
    sent_at: float = field(default_factory=time.time)
    answered_at: float | None = None
    outcome: Outcome = "open"
    tries: int = 0
    replayed: bool = False
    stream_id: str | None = None
    position: int | None = None
    version: int | None = None
    status: int | None = None
    code: str | None = None


class Journal:
    """Shared by all clients; also a file of JSON Lines, for whoever looks into a failure."""

    def __init__(self, path: Path) -> None:
        self.deeds: list[Deed] = []
        self.surprises: list[str] = []
        self.counts: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._file = path.open("w")

    def begin(self, kind: str, command_id: str, **content: Any) -> Deed:
        deed = Deed(kind, command_id, content)
        with self._lock:
            self.deeds.append(deed)
        return deed

    def end(self, deed: Deed, outcome: Outcome) -> Deed:
        deed.outcome, deed.answered_at = outcome, time.time()
        with self._lock:
            self.counts[outcome] += 1
            self.counts["retried"] += deed.tries > 1
            self.counts["replayed"] += deed.replayed
            self._write(asdict(deed))
        return deed

    def put_off(self, reason: str) -> None:
        """An answer that decided nothing, or none."""
        with self._lock:
            self.reasons[reason] += 1

    def surprise(self, text: str) -> None:
        """An answer that no client should ever get."""
        with self._lock:
            self.surprises.append(text)
            self._write({"surprise": text, "at": time.time()})

    def close(self) -> None:
        self._file.close()

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
