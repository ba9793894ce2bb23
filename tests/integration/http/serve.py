"""The command API as a process of its own: `python -m tests.integration.http.serve DSN FOLDER
[LIMITS]`, these as JSON.

Prints its port when it answers, and serves until it is killed.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from pathlib import Path

from runtime.engines.postgres import Database
from runtime.serving.limits import Limits
from runtime.serving.server import Server
from tests.integration.http.app import open_installation


def main(app_url: str, folder: str, limits: str = "{}") -> None:
    with open_installation(Database(*[app_url] * 6), Path(folder)) as installation:
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            server = Server(installation.app, Limits(**json.loads(limits)))
            threading.Thread(target=tell, args=(server, listening.getsockname()[1])).start()
            server.run(sockets=[listening])


def tell(server: Server, port: int) -> None:
    while not server.started:
        time.sleep(0.01)
    print(port, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
