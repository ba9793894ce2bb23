"""A relay in a process of its own, to be killed:
`relay_process.py URL [POINT TIMES]`.

With a point of POINTS it kills itself when it comes there for the TIMES-th time.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from psycopg_pool import ConnectionPool

from events.log.kafka_producer import TransactionalProducer
from processors import relay, relay_check, relay_session
from processors.publisher import Publisher
from processors.relay_session import RelaySession
from tests.integration.consumers.support import proofs_of
from tests.kafka.for_child import told

# Small transactions: a kill meets more of them.
BATCH = 7
# Where → (what is called there, whether to die after it instead of before).
POINTS: dict[str, tuple[Any, str, bool]] = {
    "before a transaction": (Publisher, "publish", False),
    "between two records": (Publisher, "_send", False),
    "before the commit": (TransactionalProducer, "commit_transaction", False),
    "after the commit": (TransactionalProducer, "commit_transaction", True),
    "after the note in Postgres": (RelaySession, "_save", True),
    "in the check": (relay_check, "_compare", True),
    "while republishing": (relay_check, "last_positions", True),
}


def die_at(point: str, times: int) -> None:
    owner, name, after = POINTS[point]
    original = getattr(owner, name)
    left = times

    def wrapped(*args: Any, **named: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0 and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        answer = original(*args, **named)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    setattr(owner, name, wrapped)


if __name__ == "__main__":
    url, *death = sys.argv[1:]
    relay_session.BATCH = BATCH
    if death:
        die_at(death[0], int(death[1]))
    with ConnectionPool(url, min_size=1, kwargs={"autocommit": True}) as pool:
        relay.Relay(url, pool, told(), proofs_of(pool)).run(threading.Event())
