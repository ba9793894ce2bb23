"""uvicorn with the limits of this installation."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable
from dataclasses import replace
from types import FrameType
from typing import Any

import uvicorn

from runtime.serving.doors import Doors
from runtime.serving.limits import Limits
from runtime.serving.protocol import GuardedProtocol

# uvicorn ticks ten times a second.
TICKS_A_LOOK = 5
# Files that are open beside connections: the database, uploads, the audio that is played.
OTHER_FILES = 512
STOP_PATIENCE_S = 5


class Server(uvicorn.Server):
    """Serves `app` within `limits`. `on_exit` is called at once when it is told to stop."""

    def __init__(
        self, app: Any, limits: Limits, on_exit: Callable[[], None] = lambda: None, **more: Any
    ) -> None:
        self.doors = Doors(_with_open_files(limits))
        self._on_exit = on_exit
        protocol = type("Protocol", (GuardedProtocol,), {"doors": self.doors})
        super().__init__(
            uvicorn.Config(
                app,
                http=protocol,
                ws="none",
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_keep_alive=max(1, round(limits.keep_alive_s)),
                timeout_graceful_shutdown=STOP_PATIENCE_S,
                **more,
            )
        )

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._on_exit()
        super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        if counter % TICKS_A_LOOK == 0:
            self.doors.look(asyncio.get_running_loop().time())
        return await super().on_tick(counter)


def _with_open_files(limits: Limits) -> Limits:
    """As many connections as this process may have files open; it takes as many as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * limits.max_connections + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    room = (soft - OTHER_FILES) // 2 if soft != resource.RLIM_INFINITY else wanted
    return replace(limits, max_connections=max(16, min(limits.max_connections, room)))
