"""Guesses of a secret are answered ever more slowly, for whoever guesses and for nobody else.

A device that the account knows, or a session of it, has a count of its own. All others are
strangers: they are counted by account and network. Behind that stands a budget of all strangers
together for one account, against those who come from many networks; but each network has some
tries that do not ask it, so nobody can keep up the wait of an owner who comes from elsewhere.
Another budget is of one network for all accounts. A known device asks neither.

A guess counts before it is looked at, so of many at once no more pass than one after another.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from psycopg import Connection
from psycopg_pool import ConnectionPool

from kit import asking, security_log
from kit.limits import client_address
from kit.networks import Network
from schemas.errors import NoCultureError

# A device begins anew after a day without a guess, a network after a week: an attacker with a
# thousand networks gets as many tries that ask no budget, but only once in that week.
DEVICE_FORGOTTEN_AFTER = timedelta(days=1)
NETWORK_FORGOTTEN_AFTER = timedelta(days=7)
_MAX_DOUBLINGS = 20
# A /48 holds 65,536 of the /64s that one customer has.
WIDER_TIMES = 4

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
# A budget is a GCRA: `waits_until` says when it is whole again, `failures` stays 0.
_SPEND = """
    INSERT INTO failed_attempts AS f (key, failures, waits_until)
    VALUES (%(key)s, 0, clock_timestamp() + %(cost)s)
    ON CONFLICT (key) DO UPDATE
    SET waits_until = greatest(f.waits_until, clock_timestamp()) + %(cost)s
    WHERE greatest(f.waits_until, clock_timestamp()) + %(cost)s <= clock_timestamp() + %(window)s
    RETURNING failures
"""
_WAIT = """
    SELECT extract(epoch FROM waits_until - %(window)s - clock_timestamp())::float8
    FROM failed_attempts WHERE key = %(key)s
"""
_TAKE_BACK = """
    UPDATE failed_attempts SET failures = greatest(0, failures - 1),
        waits_until = least(waits_until, clock_timestamp())
    WHERE key = %(key)s RETURNING failures + 1
"""
_GIVE_BACK = "UPDATE failed_attempts SET waits_until = waits_until - %(cost)s WHERE key = %(key)s"
_FORGET = "DELETE FROM failed_attempts WHERE key = %(key)s RETURNING failures"
_FORGET_OLD = """
    DELETE FROM failed_attempts WHERE key IN (
        SELECT key FROM failed_attempts WHERE waits_until < clock_timestamp() - %s
        FOR UPDATE SKIP LOCKED
    )
"""


@dataclass(frozen=True, slots=True)
class Patience:
    """`free` wrong guesses (2 or more) at once, then waits of 1, 2, 4 … at most `cap_s` seconds.

    `fresh` of them a network has whatever other networks guess at the same account: 0 where whoever
    guesses has proven something already, like the password before a code.
    """

    name: str
    free: int
    cap_s: int
    fresh: int = 0


@dataclass(frozen=True, slots=True)
class Budget:
    """`burst` guesses at once, then one every `every_s` seconds."""

    name: str
    burst: int
    every_s: float

    def spend(self, connection: Connection[Any], spender: str) -> None:
        key, cost = _key(self.name, spender), timedelta(seconds=self.every_s)
        values = {"key": key, "cost": cost, "window": cost * self.burst}
        if connection.execute(_SPEND, values).fetchone() is None:
            raise _refusal(connection, key, cost * (self.burst - 1))

    def give_back(self, connection: Connection[Any], spender: str) -> None:
        values = {"key": _key(self.name, spender), "cost": timedelta(seconds=self.every_s)}
        connection.execute(_GIVE_BACK, values)


# Guesses of one network, at however many accounts.
NETWORK = Budget("network", burst=50, every_s=30)
WIDER_NETWORK = Budget("wider-network", burst=NETWORK.burst * 10, every_s=NETWORK.every_s / 10)
# Guesses of all strangers at one account: 10 an hour, or fewer where the patience is shorter.
STRANGERS_EVERY_S = 360


class TooManyGuesses(NoCultureError):
    status, code = 429, "too-many-guesses"

    def __init__(self, wait_s: float) -> None:
        self.retry_after_s = max(1, math.ceil(wait_s))
        unit = "second" if self.retry_after_s == 1 else "seconds"
        super().__init__(f"Too many wrong tries: wait {self.retry_after_s} {unit}, then try again")


class Backoff:
    """Shared by all API processes; forgets by itself. Subjects are kept as hashes.

    `known(subject)` names the device or session from which the owner of this account asks, as far
    as the request that is being answered proves it; None for a stranger.
    """

    def __init__(
        self, pool: ConnectionPool, known: Callable[[str], str | None] = lambda _: None
    ) -> None:
        self._pool, self._known = pool, known

    def attempt(self, patience: Patience, subject: str) -> None:
        """Count a guess as failed, before it is checked. Raises TooManyGuesses (429).

        `subject` is the account, or what tells one that does not exist. A refused guess counts for
        nobody.
        """
        try:
            self._count(patience, subject)
        except TooManyGuesses:
            security_log.note("limit", "refused", reason=patience.name)
            raise

    def _count(self, patience: Patience, subject: str) -> None:
        device, network = self._known(subject), _network()
        with self._pool.connection() as connection:
            if random.random() < 0.001:  # noqa: S311 - only spreads the cleaning over time
                connection.execute(_FORGET_OLD, (NETWORK_FORGOTTEN_AFTER,))
            with connection.transaction():
                if device is not None:
                    known = _Counter(patience, f"{subject} {device}", DEVICE_FORGOTTEN_AFTER)
                    known.attempt(connection)
                    return
                # Always in this order, so that no two wait for each other.
                near = _near(patience, subject, network)
                failures = [counter.attempt(connection) for counter in near]
                if not _are_fresh(near, failures):
                    _strangers(patience).spend(connection, subject)
                for budget, spender in _of_network(network):
                    budget.spend(connection, spender)

    def succeeded(self, patience: Patience, subject: str) -> None:
        """The guess was right: what this device or network guessed wrong before is forgotten."""
        self._revoke(patience, subject, _FORGET)

    def taken_back(self, patience: Patience, subject: str) -> None:
        """The guess was never looked at; those before it still count."""
        self._revoke(patience, subject, _TAKE_BACK)

    def _revoke(self, patience: Patience, subject: str, statement: str) -> None:
        device, network = self._known(subject), _network()
        with self._pool.connection() as connection, connection.transaction():
            if device is not None:
                known = _Counter(patience, f"{subject} {device}", DEVICE_FORGOTTEN_AFTER)
                known.change(connection, statement)
                return
            near = _near(patience, subject, network)
            failures = [counter.change(connection, statement) for counter in near]
            if not _are_fresh(near, failures):
                _strangers(patience).give_back(connection, subject)
            for budget, spender in _of_network(network):
                budget.give_back(connection, spender)


@dataclass(frozen=True, slots=True)
class _Counter:
    """Wrong guesses of one subject in a row."""

    patience: Patience
    subject: str
    forgotten_after: timedelta

    @property
    def key(self) -> bytes:
        return _key(self.patience.name, self.subject)

    def attempt(self, connection: Connection[Any]) -> int:
        values = {
            "key": self.key,
            "free": self.patience.free,
            "cap_s": self.patience.cap_s,
            "doublings": _MAX_DOUBLINGS,
            "forgotten_after": self.forgotten_after,
        }
        counted = connection.execute(_ATTEMPT, values).fetchone()
        if counted is None:
            raise _refusal(connection, self.key, timedelta())
        return int(counted[0])

    def change(self, connection: Connection[Any], statement: str) -> int:
        """How many there were with the guess that is revoked."""
        row = connection.execute(statement, {"key": self.key}).fetchone()
        return int(row[0]) if row else 1


def _near(patience: Patience, subject: str, network: Network) -> list[_Counter]:
    """A stranger's guesses at one account: of the own network, and of the one around it."""
    counters = [_Counter(patience, f"{subject} {network}", NETWORK_FORGOTTEN_AFTER)]
    if network.wider is not None:
        around = Patience(
            f"{patience.name}-wider",
            free=patience.free * WIDER_TIMES,
            cap_s=patience.cap_s,
            fresh=patience.fresh * WIDER_TIMES,
        )
        counters.append(_Counter(around, f"{subject} {network.wider}", NETWORK_FORGOTTEN_AFTER))
    return counters


def _are_fresh(counters: list[_Counter], failures: list[int]) -> bool:
    return all(n <= c.patience.fresh for c, n in zip(counters, failures, strict=True))


def _strangers(patience: Patience) -> Budget:
    every_s = max(patience.cap_s, STRANGERS_EVERY_S)
    return Budget(f"{patience.name}-strangers", burst=2 * patience.free, every_s=every_s)


def _of_network(network: Network) -> list[tuple[Budget, str]]:
    around = [] if network.wider is None else [(WIDER_NETWORK, network.wider)]
    return [(NETWORK, str(network)), *around]


def _network() -> Network:
    request = asking.request()
    return Network("none") if request is None else client_address(request)


def _refusal(connection: Connection[Any], key: bytes, window: timedelta) -> TooManyGuesses:
    waits = connection.execute(_WAIT, {"key": key, "window": window}).fetchone()
    return TooManyGuesses(waits[0] if waits else 1.0)


def _key(name: str, subject: str) -> bytes:
    return hashlib.sha256(f"{name}\x1f{subject}".encode()).digest()[:16]
