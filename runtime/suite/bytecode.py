"""Keeps what Python compiles in a run of the tests until its end.

The tests start hundreds of processes: parts of installations, command lines. Where
PYTHONDONTWRITEBYTECODE is set or the checkout cannot be written, each would compile all of our
modules anew.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def keeping_bytecode(environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The environment of a run whose processes share a folder of compiled modules."""
    # A child that outlives the run may still write there.
    with tempfile.TemporaryDirectory(
        prefix="noculture-bytecode-", ignore_cleanup_errors=True
    ) as folder:
        kept = {k: v for k, v in environment.items() if k != "PYTHONDONTWRITEBYTECODE"}
        yield {**kept, "PYTHONPYCACHEPREFIX": folder}
