"""The policies that rate limits count by: how many requests are too many."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Policy:
    """`quota` requests in `window_s` seconds, all of them at once if one likes."""

    name: str
    quota: int
    window_s: int = 60

    @property
    def cost(self) -> timedelta:
        return timedelta(seconds=self.window_s / self.quota)

    @property
    def window(self) -> timedelta:
        return timedelta(seconds=self.window_s)

    @property
    def prefix(self) -> str:
        """A counter's key is the first 16 bytes of SHA-256(prefix + subject).

        Addresses and callers are not stored as they are: the table needs only to tell them apart.
        """
        return f"{self.name}\x1f"


# What every area's requests count for; areas say what else they count. Reads are polled and imports
# send hundreds of files; `unverified` are strangers, and secrets that nobody has.
POLICIES = (Policy("read", 12_000), Policy("write", 3_000), Policy("unverified", 300))
# SKIP LOCKED, because a count of many subjects locks them in order: waiting here could deadlock.
FORGET_SPENT = """
    DELETE FROM rate_limits WHERE key IN (
        SELECT key FROM rate_limits WHERE full_at < now() FOR UPDATE SKIP LOCKED
    )
"""
