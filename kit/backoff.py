"""Guesses of a secret are answered ever more slowly: after some that are free, each wait doubles.

A guess counts before it is looked at, so of many at once no more pass than one after another.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import timedelta

from psycopg_pool import ConnectionPool

from kit import security_log
from schemas.errors import NoCultureError

# After a day without a guess one begins anew.
FORGOTTEN_AFTER = timedelta(days=1)
_MAX_DOUBLINGS = 20

_ATTEMPT = """
    INSERT INTO failed_attempts AS f (key, failures, waits_until)
    VALUES (%(key)s, 1, clock_timestamp())
    ON CONFLICT (key) DO UPDATE SET (failures, waits_until) = (
        SELECT n, clock_timestamp() + interval '1 second' * CASE WHEN n < %(free)s THEN 0
            ELSE least(%(cap_s)s, 2 ^ least(n - %(free)s, %(doublings)s)) END
        FROM (SELECT CASE WHEN f.waits_until < clock_timestamp() - %(forgotten_after)s
            THEN 1 ELSE f.failures + 1 END AS n) AS next
    )
    WHERE f.waits_until <= clock_timestamp()
    RETURNING failures
"""
_WAIT = """
    SELECT extract(epoch FROM waits_until - clock_timestamp())::float8
    FROM failed_attempts WHERE key = %s
"""


@dataclass(frozen=True, slots=True)
class Patience:
    """`free` wrong guesses (2 or more) at once, then waits of 1, 2, 4 … at most `cap_s` seconds."""

    name: str
    free: int
    cap_s: int


class TooManyGuesses(NoCultureError):
    status, code = 429, "too-many-guesses"

    def __init__(self, wait_s: float) -> None:
        self.retry_after_s = max(1, math.ceil(wait_s))
        unit = "second" if self.retry_after_s == 1 else "seconds"
        super().__init__(f"Too many wrong tries: wait {self.retry_after_s} {unit}, then try again")


class Backoff:
    """Shared by all API processes; forgets by itself. Subjects are kept as hashes."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    def attempt(self, patience: Patience, subject: str) -> None:
        """Count a guess as failed, before it is checked. Raises TooManyGuesses (429)."""
        key = _key(patience, subject)
        values = {
            "key": key,
            "free": patience.free,
            "cap_s": patience.cap_s,
            "doublings": _MAX_DOUBLINGS,
            "forgotten_after": FORGOTTEN_AFTER,
        }
        with self._pool.connection() as connection:
            if connection.execute(_ATTEMPT, values).fetchone() is not None:
                return
            waits = connection.execute(_WAIT, (key,)).fetchone()
        security_log.note("limit", "refused", reason=patience.name)
        raise TooManyGuesses(waits[0] if waits else 1.0)

    def succeeded(self, patience: Patience, subject: str) -> None:
        """The guess was right: what was wrong before is forgotten."""
        with self._pool.connection() as connection:
            connection.execute(
                "DELETE FROM failed_attempts WHERE key = %s", (_key(patience, subject),)
            )

    def taken_back(self, patience: Patience, subject: str) -> None:
        """The guess was right, but says nothing of the others of this subject."""
        with self._pool.connection() as connection:
            connection.execute(
                "UPDATE failed_attempts SET failures = greatest(0, failures - 1),"
                " waits_until = least(waits_until, clock_timestamp()) WHERE key = %s",
                (_key(patience, subject),),
            )
            connection.execute(
                "DELETE FROM failed_attempts WHERE waits_until < clock_timestamp() - %s",
                (FORGOTTEN_AFTER,),
            )


def _key(patience: Patience, subject: str) -> bytes:
    return hashlib.sha256(f"{patience.name}\x1f{subject}".encode()).digest()[:16]
