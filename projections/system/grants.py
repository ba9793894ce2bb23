"""The rights of people to things of other workspaces, of whatever area."""

from __future__ import annotations

from events.access import Grants as Granted
from events.access import Resumes, Revokes, RevokesAll, Suspends
from events.envelope import Recorded
from events.model import REGISTRY
from projections.projection import Holds, Projection, Rows

# The row that says of a stream that nothing counts which it has granted.
NOTHING, NOBODY = "", ""


class Grants(
    Projection,
    name="grants",
    version=1,
    categories=(),
    holds=Holds.NOTHING_PERSONAL,
    # It stops at what it cannot digest and never parks: a parked revocation would leave a door
    # open.
    money=True,
):
    """One row per thing, account and the stream it goes through; `since` is the position of the
    grant that counts. While a stream is suspended it has a row more, of no thing and nobody: then
    none of its rows counts. Read by all that may show a thing of another workspace.
    """

    def __init__(self) -> None:
        declaring = [model for model in REGISTRY.all() if model.access is not None]
        self.categories = tuple(sorted({model.type.partition(".")[0] for model in declaring}))
        self.types = frozenset(model.type for model in declaring)

    def fold(self, rows: Rows, event: Recorded) -> None:
        through, data = event.stream_id, event.data
        match data.access:
            case Granted() as granted:
                thing, account_id = getattr(data, granted.thing), getattr(data, granted.account)
                rows.upsert(
                    (through, thing, account_id),
                    right_to=getattr(data, granted.right),
                    workspace_id=event.tenant,
                    since=event.position,
                )
            case Revokes() as revoked:
                thing, account_id = getattr(data, revoked.thing), getattr(data, revoked.account)
                rows.delete((through, thing, account_id))
            case Suspends():
                rows.upsert(
                    (through, NOTHING, NOBODY), workspace_id=event.tenant, since=event.position
                )
            case Resumes():
                rows.delete((through, NOTHING, NOBODY))
            case RevokesAll():
                rows.delete_prefix(through)
