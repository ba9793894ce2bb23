"""Logs what concerns safety, one line each: sign-ins, refusals, limits, keys, rights given.

The lines go where all of a process' lines go (`logger` is `noculture.security`), at every log
level. They name accounts and keys by their ids and a network by its beginning: no address, no name,
no browser, no secret. A flood is counted, not written: each kind has so many lines a minute, and
then one that says how many there were beside them. Figures count all of them.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

from prometheus_client import Counter

from kit.networks import address_of, network_of

log = logging.getLogger("noculture.security")
What = Literal[
    "sign-in", "sign-up", "session", "password", "factor", "key", "right", "limit", "request"
]
Outcome = Literal["accepted", "refused", "changed", "ended", "issued", "revoked", "granted"]
FIELDS = ("what", "outcome", "account_id", "by", "reason", "key_id", "scopes", "count", "network")
LINES_A_MINUTE = 60
COUNTED = Counter(
    "noculture_security_events",
    "Sign-ins, refusals, limits, keys and rights given",
    ("what", "outcome"),
    registry=None,
)
# Ids, codes and names of scopes: an address or a name that came here by mistake is not written.
_TOLD = re.compile(r"[a-z0-9_:*.,/ -]{1,200}")
_network: ContextVar[str | None] = ContextVar("network", default=None)


def begin(client: str | None) -> None:
    """Keeps the network of this request, which its lines name."""
    _network.set(beginning_of(client))


def note(
    what: What,
    outcome: Outcome,
    *,
    account_id: str | None = None,
    by: str | None = None,
    reason: str | None = None,
    key_id: str | None = None,
    scopes: Iterable[str] = (),
) -> None:
    """Count it, and write its line unless there are too many of its kind."""
    COUNTED.labels(what, outcome).inc()
    facts = {
        "account_id": account_id,
        "by": by,
        "reason": reason,
        "key_id": key_id,
        "scopes": ",".join(scopes),
        "network": _network.get(),
    }
    told = {name: _safe(value) for name, value in facts.items() if value}
    _lines.write((what, outcome), told)


def beginning_of(client: str | None) -> str | None:
    """The /24 or /48 that an address is in: enough to see where a flood is from, nobody's own."""
    address = address_of(client or "")
    return None if address is None else network_of(address, 24 if address.version == 4 else 48)


def _safe(value: str) -> str:
    return value if _TOLD.fullmatch(value) else "?"


@dataclass(slots=True)
class _Minute:
    began: float
    lines: int = 0
    unsaid: int = 0


class Lines:
    """Writes so many lines a minute of each kind, and how many it left out."""

    def __init__(
        self,
        write: Callable[[dict[str, object]], None],
        now: Callable[[], float] = time.monotonic,
        a_minute: int = LINES_A_MINUTE,
    ) -> None:
        self._write, self._now, self._a_minute = write, now, a_minute
        self._minutes: dict[tuple[str, str], _Minute] = {}
        self._lock = threading.Lock()

    def write(self, kind: tuple[str, str], facts: dict[str, str]) -> None:
        with self._lock:
            left_out = self._begin_anew()
            minute = self._minutes.setdefault(kind, _Minute(self._now()))
            if minute.lines < self._a_minute:
                minute.lines += 1
                left_out.append({"what": kind[0], "outcome": kind[1], **facts})
            else:
                minute.unsaid += 1
                if minute.unsaid == 1:
                    self._say_later(minute)
        for line in left_out:
            self._write(line)

    def say_left_out(self) -> None:
        """Write how many lines of minutes that are over were left out."""
        with self._lock:
            left_out = self._begin_anew()
        for line in left_out:
            self._write(line)

    def _begin_anew(self) -> list[dict[str, object]]:
        said: list[dict[str, object]] = []
        for kind, minute in list(self._minutes.items()):
            if self._now() - minute.began < 60:
                continue
            del self._minutes[kind]
            if minute.unsaid:
                said.append({"what": kind[0], "outcome": kind[1], "count": minute.unsaid})
        return said

    def _say_later(self, minute: _Minute) -> None:
        waiting = threading.Timer(61 - (self._now() - minute.began), self.say_left_out)
        waiting.daemon = True
        waiting.start()


def _write(facts: dict[str, object]) -> None:
    told = " ".join(f"{name}={facts[name]}" for name in FIELDS[2:] if name in facts)
    log.info("%s %s %s", facts["what"], facts["outcome"], told, extra=facts)


_lines = Lines(_write)
