"""The product's API on uvicorn as it comes, the peer of P16: `python -m benchmarks.unguarded`."""

from __future__ import annotations

import uvicorn

from events.log.tail import LogTail
from runtime.app import build_app
from runtime.composition import open_core
from runtime.settings import load_settings


def main() -> None:
    settings = load_settings()
    with open_core(settings, connections=48) as core:
        tail = LogTail(core.url)
        try:
            app = build_app(core, tail)
            uvicorn.run(app, host=settings.host, port=settings.port, log_level="critical")
        finally:
            tail.close()


if __name__ == "__main__":
    main()
