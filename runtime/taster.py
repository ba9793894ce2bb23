"""The tracks that an empty vault offers: three of the demo's, short, the same for everybody."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

COUNT = 3
# Long enough for a tempo, a key and a structure to be found.
DURATION_S = 24.0


@cache
def taster() -> Sequence[tuple[str, bytes]]:
    """(file name, content) of each. Making them takes 3 s of a core, once a process; kept, they are
    8 MB.
    """
    # The encoders take a second to load, and most APIs never need them.
    from runtime.demo_music import render

    with tempfile.TemporaryDirectory(prefix="noculture-taster-") as folder:
        paths = [track.path for track in render(Path(folder), COUNT, duration_s=DURATION_S)]
        return [(path.name, path.read_bytes()) for path in paths]
