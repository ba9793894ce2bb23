"""Requests over many kept connections, as fast as they are answered: `python -m benchmarks.load`.

A process of its own, on raw sockets: a client library is slower than the server it would measure.
Reads {"port", "seconds", "connections": [{"method", "path", "headers", "body", "edits"}]} on stdin,
writes {"requests", "seconds", "latencies_s", "statuses"} on stdout.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import uvloop


class Connection(asyncio.Protocol):
    """Sends the next request when the last one is answered. With `edits`, each carries the ETag of
    the answer before as If-Match, and its number where the body says %d.
    """

    def __init__(self, wanted: dict[str, Any], until: float, done: asyncio.Future[None]) -> None:
        self._wanted, self._until, self._done = wanted, until, done
        self._received = b""
        self._sent_at = 0.0
        self._tag = wanted.get("etag", "")
        self.latencies_s: list[float] = []
        self.statuses: dict[int, int] = {}

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._host = f"Host: 127.0.0.1:{transport.get_extra_info('peername')[1]}"
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, gap, body = self._received.partition(b"\r\n\r\n")
        if not gap or len(body) < _number(head, b"content-length: "):
            return
        self._received = b""
        self.latencies_s.append(time.perf_counter() - self._sent_at)
        status = int(head[9:12])
        self.statuses[status] = self.statuses.get(status, 0) + 1
        if self._wanted["edits"]:
            self._tag = _value(head, b"etag: ").decode()
        if time.perf_counter() >= self._until:
            self._transport.close()
        else:
            self._send()

    def connection_lost(self, _error: Exception | None) -> None:
        if not self._done.done():
            self._done.set_result(None)

    def _send(self) -> None:
        wanted, number = self._wanted, len(self.latencies_s)
        lines = [f"{wanted['method']} {wanted['path']} HTTP/1.1", self._host]
        body = wanted["body"]
        if wanted["edits"]:
            lines.append(f"If-Match: {self._tag}")
            body = body.replace("%d", str(number))
        lines += [f"{name}: {value}" for name, value in wanted["headers"].items()]
        lines.append(f"Content-Length: {len(body)}")
        self._sent_at = time.perf_counter()
        self._transport.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())


def _value(head: bytes, name: bytes) -> bytes:
    """Finds the value of one header; uvicorn writes names in lower case."""
    at = head.find(b"\r\n" + name)
    return b"" if at < 0 else head[at + 2 + len(name) :].partition(b"\r\n")[0]


def _number(head: bytes, name: bytes) -> int:
    return int(_value(head, name) or 0)


async def run(asked: dict[str, Any]) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    connections, ends = [], []
    for wanted in asked["connections"]:
        done = loop.create_future()
        made = Connection(wanted, began + asked["seconds"], done)
        connections.append(made)
        ends.append(done)
        await loop.create_connection(lambda made=made: made, "127.0.0.1", asked["port"])
    await asyncio.gather(*ends)
    statuses: dict[int, int] = {}
    for connection in connections:
        for status, count in connection.statuses.items():
            statuses[status] = statuses.get(status, 0) + count
    latencies_s = [each for connection in connections for each in connection.latencies_s]
    return {
        "requests": len(latencies_s),
        "seconds": time.perf_counter() - began,
        "latencies_s": latencies_s,
        "statuses": statuses,
    }


if __name__ == "__main__":
    answer = json.dumps(uvloop.run(run(json.load(sys.stdin)))).encode()
    # A pipe may take less than all at a time, and an unbuffered stdout forgets the rest.
    with open(sys.stdout.fileno(), "wb") as out:
        out.write(answer)
