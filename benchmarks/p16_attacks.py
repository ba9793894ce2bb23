"""P16: how long others wait for /healthz while a stranger attacks, each attack for a few seconds.

The peer is the same application on uvicorn as it comes; it is attacked after ours. Those who wait
come on connections of their own: one that is kept would not meet the limits of connections.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from typing import Any

from benchmarks.attacks import ATTACKS, HEALTH
from benchmarks.product import running
from benchmarks.result import Result, percentiles
from benchmarks.rig import Rig
from runtime.installation import ROOT

SECONDS, QUICK_SECONDS, PAUSE_S = 6.0, 0.3, 0.02
GOAL_MS = 100.0
# Who waits longer has waited too long; a server that hangs must not hang the benchmark.
PATIENCE_S = 30.0
ASKED = HEALTH + b"Connection: close\r\n\r\n"
OURS, PEER = "api", "benchmarks.unguarded"


def measure(rig: Rig) -> list[Result]:
    seconds = QUICK_SECONDS if rig.quick else SECONDS
    database = rig.database()
    waits: dict[str, dict[str, list[float]]] = {OURS: {}, PEER: {}}
    for part, found in waits.items():
        folder = rig.folder / f"p16-{part}"
        with running(rig, folder, part, database=database, ready="/healthz") as port:
            for name in ATTACKS:
                rig.say(f"P16 {part}: {name}")
                found[name] = waited_s(port, name, seconds)
    details = {
        part: {name: percentiles(each) for name, each in found.items()}
        for part, found in waits.items()
    }
    ours, theirs = (_p99_ms(waits[part]) for part in (OURS, PEER))
    title = "99 of 100 answers of /healthz during ten attacks"
    return [
        _result(title, ours, "the promise", GOAL_MS, details),
        _result("The same", ours, "uvicorn as it comes, the same application", theirs, {}),
    ]


def waited_s(port: int, name: str, seconds: float) -> list[float]:
    """Seconds that each request of this time waited; PATIENCE_S for one without an answer."""
    command = [sys.executable, "-m", "benchmarks.attacks", str(port), name, str(seconds)]
    attack = subprocess.Popen(command, cwd=ROOT)
    found: list[float] = []
    until = time.monotonic() + seconds
    try:
        while time.monotonic() < until or len(found) < 2:
            found.append(_asked_s(port))
            time.sleep(PAUSE_S)
    finally:
        attack.terminate()
        attack.wait(timeout=30)
    return found


def _asked_s(port: int) -> float:
    began = time.perf_counter()
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
            connection.sendall(ASKED)
            answered = connection.recv(4096).startswith(b"HTTP/1.1 200")
    except OSError:
        answered = False
    return time.perf_counter() - began if answered else PATIENCE_S


def _p99_ms(found: dict[str, list[float]]) -> float:
    return percentiles([each for waits in found.values() for each in waits])["p99"] * 1000


def _result(title: str, ours: float, peer: str, theirs: float, details: dict[str, Any]) -> Result:
    return Result(
        "P16", title, ours, peer, theirs, ours / theirs, 1.0, "ms", at_most=True, details=details
    )
