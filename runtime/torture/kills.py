"""Plans which part dies when, and how: all of it from one seed."""

from __future__ import annotations

import signal
import time
from collections import Counter
from dataclasses import dataclass
from random import Random

import psutil

from runtime.torture.installation import Tortured

# `backend` is one of Postgres's own children: its death makes the server recover from the log.
VICTIMS = {
    "api": 6,
    "relay": 5,
    "worker": 6,
    "analysis": 3,
    "kafka": 4,
    "postgres": 3,
    "backend": 2,
    "supervisor": 1,
}
WAYS = {"kill": 6, "term": 2, "stop": 2}
ROUND_S = (4.0, 6.0)
STOPPED_S = 6.0
# SIGTERM asks Postgres to wait for its last client, who never goes: SIGINT is its fast way.
ORDERLY = {"postgres": signal.SIGINT}


@dataclass(frozen=True, slots=True)
class Strike:
    """`at_s` seconds into its round."""

    at_s: float
    victim: str
    way: str

    def __str__(self) -> str:
        return f"{self.way} {self.victim}"


@dataclass(frozen=True, slots=True)
class Round:
    strikes: tuple[Strike, ...]
    length_s: float


def plan(random: Random, victims: dict[str, int]) -> Round:
    """Plans a round with one victim, sometimes two."""
    length_s = random.uniform(*ROUND_S)
    strikes = []
    for _ in range(2 if random.random() < 0.3 else 1):
        victim = random.choices([*victims], weights=[*victims.values()])[0]
        way = random.choices([*WAYS], weights=[*WAYS.values()])[0]
        if victim == "backend" or (victim == "supervisor" and way == "stop"):
            way = "kill"
        strikes.append(Strike(random.uniform(0, length_s * 0.8), victim, way))
    return Round(tuple(sorted(strikes, key=lambda strike: strike.at_s)), length_s)


class Striker:
    """Does the strikes, and wakes what it froze."""

    def __init__(self, tortured: Tortured, random: Random) -> None:
        self.kills: Counter[str] = Counter()
        self.ways: Counter[str] = Counter()
        self._tortured, self._random = tortured, random
        self._frozen: list[tuple[float, list[psutil.Process]]] = []

    def strike(self, strike: Strike) -> bool:
        """False when the victim was not alive at that moment."""
        target = self._target(strike.victim)
        if target is None:
            return False
        try:
            match strike.way:
                case "kill":
                    target.kill()
                case "term":
                    target.send_signal(ORDERLY.get(strike.victim, signal.SIGTERM))
                case "stop":
                    self._freeze(strike.victim, target)
        except psutil.NoSuchProcess:
            return False
        self.kills[strike.victim] += 1
        self.ways[strike.way] += 1
        return True

    def wake(self, *, everything: bool = False) -> None:
        """Continue what was frozen long enough."""
        now = time.monotonic()
        due = [group for until, group in self._frozen if everything or until <= now]
        self._frozen = [each for each in self._frozen if each[1] not in due]
        for process in (process for group in due for process in group):
            try:
                process.resume()
            except psutil.NoSuchProcess:
                continue

    def _freeze(self, victim: str, target: psutil.Process) -> None:
        group = [target]
        if victim == "postgres":
            group += target.children(recursive=True)
        self._frozen.append((time.monotonic() + STOPPED_S, group))
        for process in group:
            try:
                process.suspend()
            except psutil.NoSuchProcess:
                continue

    def _target(self, victim: str) -> psutil.Process | None:
        if victim != "backend":
            return self._tortured.process(victim)
        server = self._tortured.process("postgres")
        try:
            backends = [
                child
                for child in (server.children() if server else [])
                if "noculture" in " ".join(child.cmdline())
            ]
        except psutil.Error:
            return None
        return self._random.choice(backends) if backends else None
