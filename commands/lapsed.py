"""Takes over what lapsed holds still claim, by the rules of their holders (docs/adr/0035)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aggregates.decision import Decision
from aggregates.hold import StillHeld
from commands.rules import AggregateModule, Arguments, Rule, State, StreamId, knowing
from commands.staged import Staged
from events.claims import Numbered
from events.store.pending import ClaimTaken
from events.times import rfc3339

if TYPE_CHECKING:
    from commands.unit import Commands

# A holder's rule with all that it needs but its stream and its state.
_RuleOf = Callable[[str], Callable[[Any], Decision]]


class LapsedHolds:
    """Rules that let go of lapsed holds, by kind of claim and holder, and what they decided."""

    def __init__(self) -> None:
        self._rules: dict[tuple[str, str], tuple[AggregateModule[Any], _RuleOf]] = {}
        self._asked: dict[str, Staged] = {}

    def __contains__(self, stream_id: str) -> bool:
        return stream_id in self._asked

    @property
    def staged(self) -> list[Staged]:
        """Decisions that come before those of the taker, in its append."""
        return list(self._asked.values())

    def add(
        self,
        kind: str,
        holder: type[StreamId],
        module: AggregateModule[State],
        expire: Rule[State, StreamId, Arguments],
        *args: Arguments.args,
        **said: Arguments.kwargs,
    ) -> None:
        def rule_of(stream_id: str) -> Callable[[Any], Decision]:
            return knowing(expire, holder(stream_id), *args, **said)

        self._rules[kind, holder.prefix] = (module, rule_of)

    def ask(self, commands: Commands, taken: ClaimTaken, own: Collection[str]) -> None:
        """Stages what its holder's rule says to what was taken.

        Raises ClaimTaken, with the end of the hold, where it has not lapsed; and as it is where no
        rule is known, where the holder is one of the unit's `own` streams, or was asked before and
        has let nothing go.
        """
        found = self._rules.get((taken.kind, taken.holder.partition("_")[0]))
        if found is None or taken.holder in self._asked or taken.holder in own:
            raise taken
        module, rule_of = found
        loaded = commands.load(module, taken.holder, fresh=True)
        staged = Staged(module, taken.holder, rule_of(taken.holder), loaded)
        try:
            staged.decision = staged.decide(loaded.state)
        except StillHeld as held:
            until = rfc3339(held.until)
            raise ClaimTaken(taken.kind, taken.key, taken.holder, until) from None
        # Also one that has nothing to let go: it has done so since, and the claim may be free.
        self._asked[taken.holder] = staged

    def first(
        self, commands: Commands, limit: Numbered, held: Mapping[int, str], own: Collection[str]
    ) -> int | None:
        """The first number that its holder lets go; None where no hold of them has lapsed."""
        for number, holder in held.items():
            claim = limit.at(number)
            if holder in self._asked and claim in self._asked[holder].decision.releases:
                return number
            with suppress(ClaimTaken):
                self.ask(commands, ClaimTaken(claim.kind, claim.key, holder, None), own)
                return number
        return None

    def forget(self) -> None:
        """Somebody else was faster: their holders are asked anew."""
        self._asked.clear()
