"""The base of read models: a table, a version, the categories it reads, and a fold."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar, Protocol

from events.envelope import Recorded


class Rows(Protocol):
    """One table's changes of a batch, gathered in memory and written set-based at its end.

    Streams reach a fold in any interleaving, and the table must hold the same bytes after each:

    - A column of a row that `upsert` sets is set by the events of one stream only.
    - A column that `add` or `max` merges may be written by all streams, in the same row as columns
      that are set. No event may also set it, nor merge it in another way: OrderWouldMatter. Its
      table may bound neither it nor what follows from it (CHECK, UNIQUE): on the way to the same
      sum it may be below 0.
    - A row is deleted only by the stream that alone writes to it, in whatever way. A row of two
      streams would be there or not, as they come. A table does not know who wrote a row, so nothing
      refuses that; the test that shuffles streams finds it. For `delete_prefix` give the rows of a
      stream keys that begin with its id.
    """

    def upsert(self, key: str | int | tuple[Any, ...], **columns: Any) -> None:
        """Set these columns of the row with this primary key, whichever event comes first."""
        ...

    def add(self, key: str | int | tuple[Any, ...], **amounts: int | Decimal) -> None:
        """Add to these columns; they count from 0 where there is no row, or no number in it.

        The columns are integers or `numeric` without a scale, their default is 0 or none. Raises
        TypeError at a float: its sums are rounded, and depend on the order.
        """
        ...

    def max(
        self,
        key: str | int | tuple[Any, ...],
        **values: int | Decimal | datetime | date | str | None,
    ) -> None:
        """Keep the greater of what these columns hold and these values; None is less than all.

        The columns are integers, `numeric` without a scale, `timestamptz`, `date` or `text` (in the
        order of its bytes), without a default. Raises TypeError at anything else.
        """
        ...

    def delete(self, key: str | int | tuple[Any, ...]) -> None: ...

    def delete_prefix(self, *leading: Any) -> None:
        """Delete all rows whose primary key begins with these values, one or more."""
        ...


class Holds(Enum):
    """The personal values in a view's rows, and with them the rest that an erasure leaves there."""

    NOTHING_PERSONAL = "ids, times, numbers and names of ours"
    ENCRYPTED = "personal values as the log stores them, unreadable once their key is destroyed"
    UNTIL_DELETED = "personal values in plain, until the last event of their stream deletes them"


class Projection:
    """Subclass with `class Vault(Projection, name="vault", version=1, categories=("asset",),
    holds=Holds.UNTIL_DELETED)`.

    The table file is `<name>.sql` beside the subclass's module: `CREATE TABLE {schema}.<name> (…)`
    and its indexes, the primary key first. `{schema}` is the build's own schema; readers use the
    view `views.<name>`. A fold writes only columns that belong to the event's own stream, or
    columns that merge commutatively (`Rows` says how): streams reach it in any interleaving.
    `holds` has no default, so that no view forgets it; a test folds every event to see that it is
    true. `types` and `rest_s` are `Consumer`'s.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    categories: tuple[str, ...]
    holds: ClassVar[Holds]
    money: ClassVar[bool]
    types: frozenset[str] | None = None
    rest_s: ClassVar[float] = 0.0
    table_sql: ClassVar[str]
    registered: ClassVar[dict[str, type[Projection]]] = {}

    def __init_subclass__(
        cls,
        *,
        name: str,
        version: int,
        categories: tuple[str, ...],
        holds: Holds,
        money: bool = False,
    ) -> None:
        import sys

        cls.name, cls.version, cls.categories = name, version, categories
        cls.holds, cls.money = holds, money
        module_file = sys.modules[cls.__module__].__file__
        assert module_file is not None
        cls.table_sql = (Path(module_file).parent / f"{name}.sql").read_text()
        Projection.registered[name] = cls

    def fold(self, rows: Rows, event: Recorded) -> None:
        raise NotImplementedError
