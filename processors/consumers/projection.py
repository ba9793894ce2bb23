"""A read model as a consumer: fold the batch in memory, write it set-based, all in the batch's
transaction.
"""

from __future__ import annotations

from collections.abc import Sequence

from events.envelope import Recorded
from processors.consumers.consumer import Connection, Consumer
from processors.consumers.merging import Ways
from processors.consumers.rows import TableRows
from processors.consumers.views import key_columns, schema_of
from projections.projection import Projection


class ProjectionConsumer(Consumer):
    """`use_build` says which build's table it writes; the engine calls it, a rebuild makes its own
    consumer.
    """

    kind = "projection"

    def __init__(self, projection: Projection) -> None:
        self.projection = projection
        self.name, self.version = projection.name, projection.version
        self.categories, self.money = projection.categories, projection.money
        self.types, self.rest_s = projection.types, projection.rest_s
        self._schema = ""
        self._key: tuple[str, ...] = ()
        self._ways = Ways()

    def use_build(self, build: int) -> None:
        schema = schema_of(self.name, self.version, build)
        if schema != self._schema:
            self._schema, self._key = schema, ()

    def apply(self, connection: Connection, events: Sequence[Recorded]) -> None:
        self.fold(connection, events).flush(connection)

    def fold(self, connection: Connection, events: Sequence[Recorded]) -> TableRows:
        """The rows that the events change, not written yet."""
        self._key = self._key or key_columns(connection, self._schema, self.name)
        rows = TableRows(self._schema, self.name, self._key, self._ways)
        for event in events:
            self.projection.fold(rows, event)
        return rows
