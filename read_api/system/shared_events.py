"""Events of other workspaces' things, for those they are shared with: from the grant on, as far as
the grant goes, and without personal values that are not published.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from events.access import RIGHTS, Grants, Revokes, RevokesAll, Shown, Suspends
from events.log.progress import UnknownConsumer
from events.model import REGISTRY
from events.personal import fields_holding_personal
from kit.caller import Caller
from kit.positions import Progress
from read_api.errors import GrantsBehind, ViewNotReady
from read_api.revealing import Reveal
from read_api.sharing import Sharing
from read_api.system.live import Entry
from read_api.views import Row
from schemas.dto import EventDto
from schemas.errors import NoCultureError

# Of what is said of others' rights, each hears only what is said of their own.
_SEEN = """
SELECT timeline.*, granted.right_to
FROM {granted} JOIN views.timeline
  ON timeline.asset_id = granted.thing AND timeline.tenant = granted.workspace_id
JOIN unnest(%(categories)s::text[], %(needed)s::int[]) AS shown (category, needed)
  ON shown.category = timeline.category
WHERE timeline.position >= granted.since
  AND timeline.position > %(after)s AND timeline.position <= %(to)s
  AND array_position(%(rights)s::text[], granted.right_to) >= shown.needed
  AND timeline.type <> ALL(%(withheld)s::text[])
  AND CASE WHEN timeline.type = ANY(%(declaring)s)
      THEN timeline.data::jsonb ->> 'account_id' = %(account)s ELSE true END
  AND (%(thing)s::text IS NULL OR granted.thing = %(thing)s)
ORDER BY timeline.position LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class SharedEvent:
    """An `Entry` whose data is as its reader may see it."""

    shown: EventDto

    @property
    def position(self) -> int:
        return self.shown.position

    @property
    def type(self) -> str:
        return self.shown.type

    @property
    def tenant(self) -> str:
        return self.shown.tenant

    @property
    def stream_id(self) -> str:
        return self.shown.stream_id

    def to_json(self) -> dict[str, Any]:
        return self.shown.model_dump(mode="json")


class SharedEvents:
    """`shown` says by category what is seen with which right."""

    def __init__(
        self, sharing: Sharing, progress: Progress, reveal: Reveal, shown: Mapping[str, Shown]
    ) -> None:
        self._sharing, self._progress, self._reveal = sharing, progress, reveal
        self._shown = shown
        self._declaring = {
            model.type: model.access.account
            for model in REGISTRY.all()
            if isinstance(model.access, Grants | Revokes)
        }
        self._ending = {
            model.type
            for model in REGISTRY.all()
            if isinstance(model.access, RevokesAll | Suspends)
        }

    def of_thing(self, caller: Caller, thing: str, after: int, limit: int) -> list[EventDto] | None:
        """The events of one thing that is shared with the caller; None where it is not. Raises
        GrantsBehind (503).
        """
        if self._sharing.right(caller, thing) is None:
            return None
        to = self._progress.consumer_position("timeline")
        return [each.shown for each in self._seen(caller.account_id, after, to, limit, thing)]

    def behind(self, account_id: str, after: int, to: int, limit: int) -> Sequence[Entry]:
        """The events of all that is shared with the account, in order."""
        try:
            return self._seen(account_id, after, to, limit)
        except GrantsBehind:
            return ()

    def settled(self) -> int | None:
        """The position of the views that `behind` reads; None while they are too far behind, or are
        still to be made.
        """
        try:
            self._sharing.check()
            return min(map(self._progress.consumer_position, ("grants", "timeline")))
        except NoCultureError:
            return None

    def ways(self, account_id: str) -> Mapping[str, str]:
        """The streams that something is shared with the account through, each with its workspace;
        nothing while the grants are too far behind.
        """
        try:
            return self._sharing.ways(account_id)
        except (GrantsBehind, UnknownConsumer, ViewNotReady):
            return {}

    def ends_all(self, entry: Entry) -> bool:
        """Whether the event takes back all that its stream has granted, for good or for now."""
        return entry.type in self._ending

    def named_by(self, entry: Entry) -> str | None:
        """The account that an event gives a right to, or takes one from."""
        field = self._declaring.get(entry.type)
        return None if field is None else str(entry.to_json()["data"][field])

    def _seen(
        self, account_id: str, after: int, to: int, limit: int, thing: str | None = None
    ) -> list[SharedEvent]:
        rows = self._sharing.rows(
            account_id,
            _SEEN,
            categories=list(self._shown),
            needed=[RIGHTS.index(each.right) + 1 for each in self._shown.values()],
            withheld=[name for each in self._shown.values() for name in each.withheld],
            declaring=list(self._declaring),
            after=after,
            to=to,
            thing=thing,
            limit=limit,
        )
        return [SharedEvent(self._event(row)) for row in rows]

    def _event(self, row: Row) -> EventDto:
        model, data = REGISTRY.newest(row["type"]), json.loads(row["data"])
        # Of an event that only a newer program knows nobody can say what is personal.
        personal = fields_holding_personal(model) if model else frozenset(data)
        data |= dict.fromkeys(personal - self._shown[row["category"]].published)
        data = self._reveal(row["event_id"], row["stream_id"], row["tenant"], data)
        fields = {name: row[name] for name in EventDto.model_fields}
        return EventDto(**(fields | {"data": data}))
