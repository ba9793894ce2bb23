"""The script of troubles of one double."""

from __future__ import annotations

import os
from pathlib import Path

from schemas.doubles import Script, Trouble

SCRIPT = "/control/troubles"
WELL = Trouble(kind="none")


class Troubles:
    """Each piece of work takes the next trouble of the script. It is kept in a file: a double ends
    when it is not used.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def script(self) -> Script:
        """The troubles that are still to come."""
        try:
            return Script.model_validate_json(self._file.read_bytes())
        except FileNotFoundError:
            return Script()

    def replace(self, script: Script) -> None:
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = self._file.with_name(f".{self._file.name}.{os.getpid()}")
        unfinished.write_text(script.model_dump_json())
        unfinished.replace(self._file)

    def next(self) -> Trouble:
        """Takes one from the script."""
        troubles = self.script().troubles
        if not troubles:
            return WELL
        first, *rest = troubles
        left = [first.model_copy(update={"times": first.times - 1})] if first.times > 1 else []
        self.replace(Script(troubles=(*left, *rest)))
        return first
