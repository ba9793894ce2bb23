"""Which installation a command is about: the folder that holds everything of it."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

PREFIX = "NOCULTURE_"
ROOT = Path(__file__).resolve().parent.parent
DEFAULT_DATA = ROOT / ".noculture"


def chosen_data(given: Path | str | None = None) -> Path:
    """The installation's folder: given, else NOCULTURE_DATA, else `.noculture` beside the code."""
    folder = given or os.environ.get(f"{PREFIX}DATA") or DEFAULT_DATA
    return Path(folder).expanduser().absolute()


def make_data_folder(data: Path) -> None:
    """Make the folder if it is not there, closed to everybody else, also if somebody made it.

    It is the wall around logs, blobs and addresses; what lies in it is not closed by itself.
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if data.stat().st_uid == os.geteuid() and data.stat().st_mode & 0o077:
        data.chmod(0o700)


def version() -> str:
    """This code's version, as pyproject.toml says."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return str(project["project"]["version"])
