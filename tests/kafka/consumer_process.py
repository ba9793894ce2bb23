"""A worker with the tally alone, to be killed. `python -m … URL POSITION`:
inside the transaction of the batch with that position it says "parked" and stands still.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence

from events.envelope import Recorded
from events.log.kafka import KafkaLog
from processors.consumers.consumer import Connection
from processors.consumers.engine import Engine
from processors.rebuild import Rebuilder
from tests.integration.consumers.support import Tally, codec_of, pool_of, proofs_of
from tests.kafka.for_child import told


class ParkingTally(Tally):
    """Stands still with its rows written and nothing committed."""

    def __init__(self, parked_at: int) -> None:
        super().__init__()
        self._parked_at = parked_at

    def apply(self, connection: Connection, events: Sequence[Recorded]) -> None:
        super().apply(connection, events)
        if self._parked_at in [event.position for event in events]:
            print("parked", flush=True)
            time.sleep(600)


if __name__ == "__main__":
    url, parked_at = sys.argv[1:]
    with pool_of(url) as pool:
        codec = codec_of(pool)
        tally = ParkingTally(int(parked_at))
        rebuilder = Rebuilder(pool, codec, "kafka")
        engine = Engine([tally], KafkaLog(told(), proofs_of(pool)), pool, codec, rebuilder)
        print("ready", flush=True)
        engine.run(threading.Event())
