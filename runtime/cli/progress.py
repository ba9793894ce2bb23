"""A line per part while an installation starts: live in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any

from runtime.cli.output import say
from runtime.state import PartState, RunState

MARKS = {
    "starting": "[yellow]○[/]",
    "running": "[green]●[/]",
    "done": "[green]●[/]",
    "restarting": "[red]●[/]",
}


class Progress:
    """Shows states as they come; everything goes to stderr."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown
        self._began_at = time.monotonic()
        self._last: dict[str, tuple[str, str | None]] = {}
        self._took_s: dict[str, float] = {}
        self._live: Any = None
        self._closed = False

    def show(self, state: RunState) -> None:
        """Call with every state; prints only what changed."""
        if not self._shown:
            return
        for part in state.parts:
            if part.state in ("running", "done"):
                self._took_s.setdefault(part.name, time.monotonic() - self._began_at)
        if sys.stderr.isatty() and not self._closed:
            self._show_live(state)
        else:
            self._show_plain(state)

    def close(self) -> None:
        """Leave the last picture on the screen; later states are plain lines."""
        self._closed = True
        if self._live:
            self._live.stop()
            self._live = None

    def _show_plain(self, state: RunState) -> None:
        for part in state.parts:
            now = (part.state, part.detail)
            if part.state != "waiting" and now != self._last.get(part.name):
                detail = f": {part.detail}" if part.detail else ""
                say(f"{part.name:<11} {part.state}{self._took(part)}{detail}")
            self._last[part.name] = now

    def _show_live(self, state: RunState) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.markup import escape
        from rich.table import Table

        table = Table.grid(padding=(0, 2))
        for part in state.parts:
            mark = MARKS.get(part.state, "[dim]○[/]")
            detail = escape(part.detail or "")
            table.add_row(mark, part.name, part.state, self._took(part), f"[dim]{detail}[/]")
            self._last[part.name] = (part.state, part.detail)
        if self._live is None:
            self._live = Live(console=Console(stderr=True), auto_refresh=False)
            self._live.start()
        self._live.update(table, refresh=True)

    def _took(self, part: PartState) -> str:
        took_s = self._took_s.get(part.name)
        return (
            f" {took_s:.1f} s" if took_s is not None and part.state in ("running", "done") else ""
        )
