"""Refused sign-ins of known accounts as events: once a minute at most, counted, on a thread of
their own, so that a flood neither fills the log nor makes anybody wait for it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from aggregates.account import sign_ins
from commands.account.logins import Login
from commands.unit import CommandContext, Commands
from events.account.sign_in import Refusal
from events.ids import AccountId, CommandId, CorrelationId, SignInsId

log = logging.getLogger(__name__)
EVERY_S = 60.0
# At most so many accounts are told at once; others are only in the figures and log lines.
MAX_ACCOUNTS = 1_000


@dataclass(slots=True)
class _Gathered:
    workspace_id: str
    due: float
    count: int = 0
    reasons: set[Refusal] = field(default_factory=set)


class RefusedSignIns:
    """The first refusal of an account is told at once; those of the next minute together."""

    def __init__(
        self,
        commands: Commands,
        now: Callable[[], float] = time.monotonic,
        *,
        in_background: bool = True,
    ) -> None:
        self._commands, self._now, self._in_background = commands, now, in_background
        self._accounts: dict[str, _Gathered] = {}
        self._moved = threading.Condition()
        self._telling = False

    def note(self, login: Login, reason: Refusal) -> None:
        """Never waits and never fails."""
        with self._moved:
            gathered = self._accounts.get(login.account_id)
            if gathered is None:
                if len(self._accounts) >= MAX_ACCOUNTS:
                    return
                gathered = _Gathered(login.workspace_id, self._now())
                self._accounts[login.account_id] = gathered
                self._moved.notify_all()
            gathered.count += 1
            gathered.reasons.add(reason)
            if self._in_background and not self._telling:
                self._telling = True
                threading.Thread(target=self._tell, name="refused-sign-ins", daemon=True).start()

    def tell_due(self) -> None:
        """Append what is due."""
        now = self._now()
        with self._moved:
            due = [(each, g) for each, g in self._accounts.items() if g.due <= now]
            for account_id, gathered in due:
                # A minute without a refusal, and it is forgotten.
                self._accounts.pop(account_id)
                if gathered.count:
                    kept = _Gathered(gathered.workspace_id, now + EVERY_S)
                    self._accounts[account_id] = kept
        for account_id, gathered in due:
            if gathered.count:
                self._append(account_id, gathered)

    def _tell(self) -> None:
        """Until nobody is remembered; the next refusal begins anew."""
        while True:
            self.tell_due()
            with self._moved:
                if not self._accounts:
                    self._telling = False
                    return
                wait_s = min(each.due for each in self._accounts.values()) - self._now()
                if wait_s > 0:
                    self._moved.wait(wait_s)

    def _append(self, account_id: str, gathered: _Gathered) -> None:
        context = CommandContext(None, gathered.workspace_id, CommandId.new(), CorrelationId.new())
        account = AccountId(account_id)
        try:
            unit = self._commands.unit(context, input=None)
            unit.change(
                sign_ins,
                SignInsId.beside(account),
                sign_ins.refuse,
                account_id=account,
                reasons=tuple(sorted(gathered.reasons)),
                count=gathered.count,
            )
            unit.commit()
        except Exception as error:
            # The store is busy or away: it is told with those of the next minute.
            log.warning("refused sign-ins are told later: %s", type(error).__name__)
            with self._moved:
                again = self._accounts.get(account_id)
                if again is not None:
                    again.count += gathered.count
                    again.reasons |= gathered.reasons
