"""Every command that sagas and effects send, by name: its model and its handler."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from commands.account import erasing_handlers
from commands.command import Command
from commands.unit import Unit
from commands.vault import ingest_handlers, reanalysing_handlers

HANDLERS: dict[str, tuple[type[Command], Callable[[Unit, Any], None]]] = {
    **ingest_handlers.HANDLERS,
    **erasing_handlers.HANDLERS,
    **reanalysing_handlers.HANDLERS,
}
