"""Whether a pooled connection still works, without asking the server each time."""

from __future__ import annotations

import select
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool


def check_connection(connection: psycopg.Connection[Any]) -> None:
    """For `ConnectionPool(check=...)`. Raises psycopg.OperationalError for one that is broken.

    A server that ends a connection says so, which makes the idle socket readable: only then is it
    asked. To ask at each borrowing was half of all journeys to the database.
    """
    # poll, for select refuses sockets beyond the 1,024th: an API with as many live streams.
    socket = select.poll()
    socket.register(connection.fileno(), select.POLLIN)
    if socket.poll(0):
        ConnectionPool.check_connection(connection)
