"""A rebuild of the shelf in a process of its own, to be killed. `python -m … URL [POSITION]`: it
says "parked" and stands still when it is about to fold the event at that position.
"""

from __future__ import annotations

import sys
import time

from events.envelope import Envelope, Recorded
from events.store.codec import EventCodec
from processors.consumers import folding
from processors.consumers.projection import ProjectionConsumer
from processors.rebuild import Rebuilder
from tests.integration.consumers.support import Shelf, codec_of, pool_of


class ParkingCodec:
    """Decodes, and stands still at one position."""

    def __init__(self, codec: EventCodec, parked_at: int) -> None:
        self._codec, self._parked_at = codec, parked_at

    def decode(self, event: Envelope) -> Recorded | None:
        if event.position == self._parked_at:
            print("parked", flush=True)
            time.sleep(600)
        return self._codec.decode(event)


if __name__ == "__main__":
    folding.PAGE = 20
    parked_at = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    with pool_of(sys.argv[1]) as pool:
        codec = ParkingCodec(codec_of(pool), parked_at)
        print("ready", flush=True)
        Rebuilder(pool, codec, "postgres").rebuild(ProjectionConsumer(Shelf()))
    print("done", flush=True)
