"""Which outside services are real here, and which are doubles of our own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from runtime.settings import Settings


def mode(settings: Settings) -> Mapping[str, Literal["test", "live"]]:
    """By capability: live where the settings name a service."""
    return {"mail": "live" if settings.mail_server else "test"}
