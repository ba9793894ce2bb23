"""P15: from the acknowledgement of a command to a read that shows it, while three consumers are in
trouble: one has stopped, one is slow, one is new and reads a long log from its first event.

The peer is the product without the three, over as long a log, in the same run. Two installations
run in turns, not side by side: the new one would take processor time from the other, too.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Any

import psycopg

from benchmarks.edits import RATE, Musician, compared, paced
from benchmarks.p4_view import fill
from benchmarks.result import Result, percentiles
from benchmarks.rig import Rig
from benchmarks.sites import Site, site
from benchmarks.specimens import OWN

EVENTS, QUICK_EVENTS = 1_000_000, 2_000
TURNS, SECONDS, WARM_UP_S = 2, 12.0, 3.0
GOALS = {"p50": 1.2}
READ_WITHIN_S, LOOK_S = 3_600.0, 1.0


def measure(rig: Rig) -> list[Result]:
    events = QUICK_EVENTS if rig.quick else EVENTS
    turns, *times = (1, 1.0, 1.0) if rig.quick else (TURNS, WARM_UP_S, SECONDS)
    ours: list[float] = []
    theirs: list[float] = []
    troubles = []
    with site(rig, "p15-well") as well, site(rig, "p15-troubled") as troubled:
        rig.say(f"P15 fills two logs with {events:,} events, which the product reads first")
        _read_by_all(rig, events, well, troubled)
        for turn in range(turns):
            with well.running() as port:
                theirs += _delays(port, turn, *times)
            # One that has stopped is a reason not to be ready.
            with troubled.running("troubled", ready="/healthz") as port:
                ours += _delays(port, turn, *times)
                troubles.append(_troubles(troubled))
    return _results(events, ours, theirs, troubles)


def _results(
    events: int, ours: list[float], theirs: list[float], troubles: list[dict[str, Any]]
) -> list[Result]:
    late = [percentiles(each)["p99"] * 1000 for each in (ours, theirs)]
    return compared(
        "P15",
        f"acknowledged to visible, {RATE} commands/s, one consumer stopped, one slow, one new to"
        f" {events:,} events (p99 {late[0]:.3g} ms, without them {late[1]:.3g})",
        "without the three",
        *(ours, theirs, GOALS),
        {"events": events, "troubles": troubles},
    )


def _read_by_all(rig: Rig, events: int, *sites: Site) -> None:
    """Whoever is new after that finds a long log and lanes that stand at its end."""
    for each in sites:
        fill(each.database.app_url, events, rig.seed)
    with ExitStack() as stack:
        for each in sites:
            stack.enter_context(each.running())
        deadline = time.monotonic() + READ_WITHIN_S
        while not all(map(_is_read, sites)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not everybody has read the log in {READ_WITHIN_S:.0f} s")
            time.sleep(LOOK_S)
    for each in sites:
        with psycopg.connect(each.database.owner_url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")


def _is_read(each: Site) -> bool:
    progress = each.progress()
    return len(progress) == OWN and all(consumer.lag == 0 for consumer in progress)


def _delays(port: int, turn: int, warm_up_s: float, seconds: float) -> list[float]:
    visible = Musician(port, f"turn{turn}").edit_and_see
    paced(visible, warm_up_s)
    return paced(visible, seconds)


def _troubles(troubled: Site) -> dict[str, Any]:
    """Makes sure that there were any, and says how far the new one still has to go."""
    found = {each.name: each for each in troubled.progress()}
    with psycopg.connect(troubled.database.owner_url) as connection:
        lanes = connection.execute("SELECT DISTINCT lane FROM checkpoints WHERE consumer = 'slow'")
        own = lanes.fetchall() == [("slow",)]
    assert found["stopped"].stopped, "nobody stopped"
    assert own, "the slow one has no lane of its own"
    return {"stopped": found["stopped"].stopped, "new_one_lags": found["attempts"].lag}
