"""The command of the emptying saga, handled in `emptying_handlers.py`."""

from __future__ import annotations

from datetime import datetime

from commands.command import Command
from events.ids import AssetId


class EmptyFromTrash(Command, name="EmptyFromTrash"):
    """Delete what lies in the trash since it was said to be deleted at `until`."""

    asset_id: AssetId
    until: datetime
