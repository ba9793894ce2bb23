"""Tools of the operator's pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from commands.system.operations import Operations
from kit.caller import Caller
from read_api.system.sagas import SagaQueries
from read_api.system.system import SystemQueries
from web.tools import PageTools


class Done(Protocol):
    @property
    def position(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemTools(PageTools):
    """`sign_out` ends every session of whoever has an address. Raises NotFound (404)."""

    system: SystemQueries
    sagas: SagaQueries
    operations: Operations
    sign_out: Callable[[str, Caller | None], Done]
