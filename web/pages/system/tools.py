"""Tools of the operator's pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from commands.system.operations import Operations
from kit.caller import Caller
from read_api.system.sagas import SagaQueries
from read_api.system.system import SystemQueries
from schemas.doubles import Script, SentMail, SentMailText
from schemas.dto import Page
from web.tools import PageTools


class Done(Protocol):
    @property
    def position(self) -> int: ...


class Double(Protocol):
    """`gateways.doubles.client.DoubleClient`. Raises DoubleNotThere (503)."""

    def script(self) -> Script: ...

    def follow(self, script: Script) -> None: ...


class SentMails(Protocol):
    """`gateways.mail.by_double.SentMails`. Raises DoubleNotThere (503), NothingThere (404)."""

    def page(self, to: str, before: str | None) -> Page[SentMail]: ...

    def find(self, mail_id: str) -> SentMailText: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemTools(PageTools):
    """`sign_out` ends every session of whoever has an address. Raises NotFound (404). `doubles` are
    those of this installation by capability, `mails` None where mails go by a server.
    """

    system: SystemQueries
    sagas: SagaQueries
    operations: Operations
    sign_out: Callable[[str, Caller | None], Done]
    doubles: Mapping[str, Double]
    mails: SentMails | None
