"""Which installation a command is about: the folder that holds everything of it."""

from __future__ import annotations

import os
from pathlib import Path

PREFIX = "NOCULTURE_"
ROOT = Path(__file__).resolve().parent.parent
DEFAULT_DATA = ROOT / ".noculture"


def chosen_data(given: Path | str | None = None) -> Path:
    """The installation's folder: given, else NOCULTURE_DATA, else `.noculture` beside the code."""
    folder = given or os.environ.get(f"{PREFIX}DATA") or DEFAULT_DATA
    return Path(folder).expanduser().absolute()
