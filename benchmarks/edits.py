"""Edits of tags at a steady rate, each waited for until a read shows it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.product import Client, sign_up, upload
from benchmarks.result import Result, percentiles

RATE = 100
CLIENTS = 16

# Sends the number-th one and answers how long it took to be seen, in seconds.
RoundTrip = Callable[[int], float]


def paced(round_trip: RoundTrip, seconds: float) -> list[float]:
    """RATE a second, whatever the answers take: who is late is not waited for."""
    began = time.perf_counter()

    def one(number: int) -> float:
        time.sleep(max(0.0, began + number / RATE - time.perf_counter()))
        return round_trip(number)

    with ThreadPoolExecutor(CLIENTS) as clients:
        return list(clients.map(one, range(int(seconds * RATE))))


class Musician:
    """Each client thread edits an asset of its own."""

    def __init__(self, port: int, name: str = "bench") -> None:
        client = sign_up(port, name)
        # A key may write 3,000 times a minute: a musician has more than one.
        assets = [upload(client, number) for number in range(CLIENTS)]
        self._free = [_Desk(client.again(), asset) for asset in assets]
        self._lock = threading.Lock()
        # (position, acknowledged, answered) of each edit.
        self.seen: list[tuple[int, float, float]] = []

    def edit_and_see(self, number: int) -> float:
        with self._lock:
            desk = self._free.pop()
        _, acknowledged, answered = seen = desk.edit_and_see(number)
        with self._lock:
            self._free.insert(0, desk)
            self.seen.append(seen)
        return answered - acknowledged


class _Desk:
    def __init__(self, client: Client, asset: str) -> None:
        self._client, self._path = client, f"/api/assets/{asset}"
        self._etag = self._client.call("GET", self._path).headers["ETag"]

    def edit_and_see(self, number: int) -> tuple[int, float, float]:
        """(position, acknowledged, answered)"""
        match = {"If-Match": self._etag}
        edited = self._client.call("PATCH", self._path, {"title": f"Take {number}"}, match)
        assert edited.status == 200, edited.body
        acknowledged = time.perf_counter()
        wait = {"Min-Position": edited.headers["Event-Position"], "Prefer": "wait=20"}
        seen = self._client.call("GET", self._path, headers=wait)
        answered = time.perf_counter()
        assert seen.json()["tags"]["title"] == f"Take {number}", seen.body
        self._etag = seen.headers["ETag"]
        return int(edited.headers["Event-Position"]), acknowledged, answered


def compared(
    name: str,
    title: str,
    peer: str,
    ours: Sequence[float],
    theirs: Sequence[float],
    goals: Mapping[str, float],
    details: Mapping[str, Any],
) -> list[Result]:
    """One line for each percentile that has a goal, from seconds."""
    mine, their = percentiles(ours), percentiles(theirs)
    about = {"seconds_ours": mine, "seconds_theirs": their, "clients": CLIENTS}
    return [
        Result(
            name=name,
            title=f"{title}, {label}",
            ours=mine[label] * 1000,
            peer=f"{peer}, {label}",
            theirs=their[label] * 1000,
            ratio=mine[label] / their[label],
            goal=goal,
            unit="ms",
            at_most=True,
            details={**about, **details},
        )
        for label, goal in goals.items()
    ]
