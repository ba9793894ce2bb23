"""How long a sign-in takes alone, and while 24 sign-ups of another network run at once.

`python -m benchmarks.sign_ins_meanwhile http://127.0.0.1:8420` asks an installation that runs on
this machine, from 127.0.0.1 and 127.0.0.2: to it they are two networks. Not part of `bench`, whose
figures are of one client.
"""

from __future__ import annotations

import http.client
import json
import secrets
import statistics
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

CROWD, ALONE = "127.0.0.2", "127.0.0.1"
SIGN_UPS, ROUNDS, UNLOADED = 24, 3, 10
PASSWORD = "a long enough password"  # noqa: S105 - of accounts that it makes itself


def ask(url: str, source: str, path: str, body: dict[str, str]) -> tuple[int, float]:
    """(status, seconds) of a POST from this address."""
    asked = urlsplit(url)
    connection = http.client.HTTPConnection(
        asked.hostname or "", asked.port, timeout=60, source_address=(source, 0)
    )
    started = time.perf_counter()
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, time.perf_counter() - started


def sign_up(url: str, source: str, email: str) -> tuple[int, float]:
    body = {"email": email, "password": PASSWORD, "name": "Ada"}
    return ask(url, source, "/api/accounts", body)


def main(url: str) -> None:
    run, email = secrets.token_hex(4), f"owner-{secrets.token_hex(4)}@example.com"
    assert sign_up(url, ALONE, email)[0] == 201

    def sign_in() -> float:
        status, seconds = ask(url, ALONE, "/api/sessions", {"email": email, "password": PASSWORD})
        if status != 201:
            print(f"refused with {status}", end=" after ")
        return seconds

    unloaded = [sign_in() for _ in range(UNLOADED)]
    print(f"alone: median {statistics.median(unloaded):.3f} s, longest {max(unloaded):.3f} s")
    for number in range(ROUNDS):
        begun = threading.Barrier(SIGN_UPS + 1)

        def one(each: int, begun: threading.Barrier = begun, number: int = number) -> float:
            begun.wait()
            return sign_up(url, CROWD, f"{run}-{number}-{each}@example.com")[1]

        with ThreadPoolExecutor(SIGN_UPS) as threads:
            crowd = [threads.submit(one, each) for each in range(SIGN_UPS)]
            begun.wait()
            # All of them are in line.
            time.sleep(0.3)
            seconds = sign_in()
            longest = max(each.result() for each in crowd)
        print(f"while {SIGN_UPS} sign up: {seconds:.3f} s; the last sign-up {longest:.1f} s")


if __name__ == "__main__":
    main(sys.argv[1])
