"""P13: from the acknowledgement of a command to a read that shows it, with 60 consumers.

The peer is the product with its own consumers, in the same run: two installations side by side,
whose rounds take turns. The others are specimens; each does what the vault's view does, with the
same events, over a table of its own. Whoever waits waits for the vault, as in P5.
"""

from __future__ import annotations

from benchmarks.edits import RATE, Musician, compared, paced
from benchmarks.result import Result
from benchmarks.rig import Rig
from benchmarks.sites import site
from benchmarks.specimens import CONSUMERS, OWN

ROUNDS, SECONDS = 4, 6.0
WARM_UP_S = 2.0
GOALS = {"p50": 1.3, "p99": 1.5}


def measure(rig: Rig) -> list[Result]:
    rounds, seconds, warm_up_s = (1, 1.0, 1.0) if rig.quick else (ROUNDS, SECONDS, WARM_UP_S)
    ours: list[float] = []
    theirs: list[float] = []
    with (
        site(rig, "p13-own") as own,
        site(rig, "p13-crowd") as crowd,
        own.running() as port,
        crowd.running("folds") as crowded_port,
    ):
        few, many = (Musician(each).edit_and_see for each in (port, crowded_port))
        for visible in (few, many):
            paced(visible, warm_up_s)
        for _ in range(rounds):
            theirs += paced(few, seconds)
            ours += paced(many, seconds)
        consumers = {
            "consumers_ours": len(crowd.progress()),
            "consumers_theirs": len(own.progress()),
        }
    assert consumers == {"consumers_ours": CONSUMERS, "consumers_theirs": OWN}
    return compared(
        "P13",
        f"acknowledged to visible, {RATE} commands/s, {CONSUMERS} consumers",
        f"with the product's own {OWN}",
        *(ours, theirs, GOALS, consumers),
    )
