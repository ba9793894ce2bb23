"""A command of the product's with more consumers than it has: `python -m benchmarks.crowd KIND …`,
then `up` or `run PART` as `python -m runtime` takes them.

`benchmarks.specimens` has the kinds. Of what `up` starts only the parts that have to know the
specimens do: the worker, and the relay, which makes the topics.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from runtime.cli.main import main as run_command

PARTS = ("relay", "worker")


def main() -> None:
    kind = sys.argv.pop(1)
    with _passed_on(kind) if sys.argv[1] == "up" else _known(kind):
        run_command()


def _passed_on(kind: str) -> AbstractContextManager[object]:
    """Imports no consumer: a supervisor is small."""
    import runtime.supervised
    from runtime.engines.child import spawn

    def spawn_here(command: list[str], *where: Any, **how: Any) -> subprocess.Popen[bytes]:
        python, m, program, run, part, *rest = command
        here = ["benchmarks.crowd", kind] if part in PARTS else [program]
        return spawn([python, m, *here, run, part, *rest], *where, **how)

    return patch.object(runtime.supervised, "spawn", spawn_here)


def _known(kind: str) -> AbstractContextManager[object]:
    import runtime.consumers
    from benchmarks.specimens import KINDS
    from processors.consumers.consumer import Consumer
    from runtime.composition import Core, Wakes

    own, specimens = runtime.consumers.consumers, KINDS[kind]
    # Their events are known before anybody asks which there are.
    specimens()

    def consumers(core: Core, wakes: Wakes) -> list[Consumer]:
        return [*own(core, wakes), *specimens()]

    return patch.object(runtime.consumers, "consumers", consumers)


if __name__ == "__main__":
    main()
