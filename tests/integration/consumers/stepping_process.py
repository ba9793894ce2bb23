"""A worker without a broker, to be killed. `python -m … URL STEP`: when it has come to the step it
says "parked" and stands still.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from events.envelope import Recorded
from events.log.postgres import StoreLog
from events.log.tail import LogTail
from processors.consumers import catcher, joining
from processors.consumers.catcher import Catcher
from processors.consumers.consumer import Connection, Consumer
from processors.consumers.engine import Engine
from processors.consumers.joining import Joining
from processors.rebuild import Rebuilder
from tests.integration.consumers.support import Tally, codec_of, pool_of

# Step → the function behind whose work it stands still, and how near is near enough to join: at 0
# the catcher has to bring everybody up.
STEPS: dict[str, tuple[Any, str, int]] = {
    "place taken, not committed": (Joining, "_adopt", 500),
    "place taken": (Joining, "_stand", 500),
    "joining: folded, not committed": (Joining, "_fold", 500),
    "joining: committed": (Joining, "_join", 500),
    "catching up: rows taken, not committed": (catcher, "_take", 0),
    "catching up: a page folded": (Catcher, "_skip", 0),
    "catching up: there": (Catcher, "_fold", 0),
    "leaving: rows given up, not committed": (joining, "give_up", 500),
    "leaving: committed": (Joining, "leave", 500),
}


class Steady(Consumer):
    """Shares the tally's lane and is never behind."""

    name, kind, categories, batch_size = "steady", Tally.kind, Tally.categories, 50

    def apply(self, connection: Connection, events: Sequence[Recorded]) -> None:
        pass


def parking(work: Callable[..., object]) -> Callable[..., object]:
    def stands_still_behind(*arguments: object, **named: object) -> object:
        answer = work(*arguments, **named)
        print("parked", flush=True)
        time.sleep(600)
        return answer

    return stands_still_behind


if __name__ == "__main__":
    url, step = sys.argv[1:]
    owner, name, close = STEPS[step]
    setattr(owner, name, parking(getattr(owner, name)))
    joining.CLOSE = catcher.CLOSE = close
    catcher.PAGE = 10
    with pool_of(url) as pool:
        codec = codec_of(pool)
        engine = Engine(
            [Steady(), Tally(money=True)],
            StoreLog(url, pool, LogTail(url)),
            pool,
            codec,
            Rebuilder(pool, codec, "postgres"),
        )
        engine.run(threading.Event())
