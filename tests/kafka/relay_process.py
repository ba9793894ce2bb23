"""A relay in a process of its own, to be killed: `relay_process.py URL BOOTSTRAP PREFIX`."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from psycopg_pool import ConnectionPool

from events.log.kafka_config import KafkaConfig
from processors import relay, relay_session

if __name__ == "__main__":
    url, bootstrap, prefix = sys.argv[1:]
    # Small transactions: a kill meets more of them.
    relay_session.BATCH = 7
    with ConnectionPool(url, min_size=1, kwargs={"autocommit": True}) as pool:
        config = KafkaConfig(bootstrap=bootstrap, prefix=prefix)
        relay.Relay(url, pool, config).run(threading.Event())
