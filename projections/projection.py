"""The base of read models: a table, a version, the categories it reads, and a fold."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Any, ClassVar, Protocol

from events.envelope import Recorded


class Rows(Protocol):
    """One table's changes of a batch, gathered in memory and written set-based at its end."""

    def upsert(self, key: str | int | tuple[Any, ...], **columns: Any) -> None:
        """Set these columns of the row with this primary key, whichever event comes first."""
        ...

    def delete(self, key: str | int | tuple[Any, ...]) -> None: ...


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
    columns that merge commutatively: streams of several categories reach it in any interleaving.
    `holds` has no default, so that no view forgets it; a test folds every event to see that it is
    true. `rest_s` is `Consumer.rest_s`.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    categories: tuple[str, ...]
    holds: ClassVar[Holds]
    money: ClassVar[bool]
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
