"""Claims: things that only one stream may hold.

They make rules that span streams hold without locks in Python.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from events.times import rfc3339


@dataclass(frozen=True, slots=True)
class Claim:
    """`kind` + `key`, unique in the whole installation or in one workspace.

    It is held for ever or for a time range: half open, `since <= t < until`. Claims of one kind
    must all be ranges or all not.
    """

    kind: str
    key: str
    scope: Literal["global", "workspace"] = "workspace"
    since: datetime | None = None
    until: datetime | None = None

    def scope_in(self, tenant: str) -> str:
        """Names the scope that it is unique in: the tenant, or empty for `global`."""
        return "" if self.scope == "global" else tenant


@dataclass(frozen=True, slots=True)
class Numbered:
    """A limit that several may race for: the claims `key:1` to `key:of`, of which each takes one.

    `of` may grow. When it shrinks, what holds a higher number keeps it, and is not counted.
    """

    kind: str
    key: str
    of: int
    scope: Literal["global", "workspace"] = "workspace"

    def at(self, number: int) -> Claim:
        return Claim(self.kind, f"{self.key}:{number}", self.scope)

    def number_of(self, key: str) -> int | None:
        """The number in a claim's key; None where it is none of these claims."""
        return next((n for n in range(1, self.of + 1) if self.at(n).key == key), None)


def claims_bytes(takes: tuple[Claim, ...], releases: tuple[Claim, ...]) -> bytes | None:
    """The canonical bytes that are hashed with the event; None when it moves no claim."""
    if not takes and not releases:
        return None
    moves = [_move("release", claim) for claim in releases] + [_move("take", c) for c in takes]
    return json.dumps(moves, separators=(",", ":"), ensure_ascii=False).encode()


def _move(what: str, claim: Claim) -> dict[str, str | None]:
    return {
        "op": what,
        "kind": claim.kind,
        "scope": claim.scope,
        "key": claim.key,
        "since": rfc3339(claim.since) if claim.since else None,
        "until": rfc3339(claim.until) if claim.until else None,
    }
