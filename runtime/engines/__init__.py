"""Embedded Postgres and Kafka: real servers as child processes, under our own supervision.

Enters: a data folder. Leaves: an address that clients can use. `postgres.py` and `kafka.py` are
the two engines; `child.py` starts and finds their processes; `kafka_jars.py` fetches the broker.
"""
