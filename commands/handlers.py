"""Every command that sagas and effects send, by name: its model and its handler."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from commands import erasing_handlers, ingest_handlers, reanalysing_handlers
from commands.command import Command
from commands.unit import Unit

HANDLERS: dict[str, tuple[type[Command], Callable[[Unit, Any], None]]] = {
    **ingest_handlers.HANDLERS,
    **erasing_handlers.HANDLERS,
    **reanalysing_handlers.HANDLERS,
}
