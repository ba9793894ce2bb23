"""Finds what still holds an erased workspace: consumers behind, parked streams, open work."""

from __future__ import annotations

from collections.abc import Callable, Collection

from psycopg_pool import ConnectionPool

from events.account.erasure import Acknowledgement
from events.log.progress import LogProgress
from processors.consumers.registry import LOCK_CLASS
from processors.consumers.views import drop_builds

_PARKED = """
SELECT DISTINCT p.consumer FROM parked_streams p
WHERE EXISTS (SELECT FROM events e WHERE e.stream_id = p.stream_id AND e.tenant = %s)
"""
# Work on deleted recordings is dropped: there may be no runner to end it. Work under a lease writes
# files and is waited for; a dead runner's lease ends by itself. Work whose answer is kept may have
# been asked of the world outside already.
_DROP_WORK = """
DELETE FROM effects f USING events e
WHERE e.position = f.position AND e.tenant = %s AND e.category <> 'erasure' AND NOT f.kept
  AND (f.leases = f.failures OR f.due_at <= clock_timestamp())
"""
_WORK_IN_HAND = """
SELECT DISTINCT f.effect FROM effects f JOIN events e ON e.position = f.position
WHERE e.tenant = %s AND e.category <> 'erasure'
"""
_MAILS_IN_HAND = _WORK_IN_HAND + " AND starts_with(f.effect, 'mail-')"
_MOVING_MONEY = "SELECT DISTINCT effect FROM effects WHERE money_of = %s"
# An event names a person by id, or as the subject of a sealed value. Of what the effects still have
# to do there is little, and of parked streams less.
_NAMES = "position(convert_to(%s, 'UTF8') IN e.data) > 0"
_MAILS_NAMING = f"""
SELECT DISTINCT f.effect FROM effects f JOIN events e ON e.position = f.position
WHERE starts_with(f.effect, 'mail-') AND {_NAMES}
"""
# Work that nobody has begun holds ids, and finds no value when it is begun.
_WORK_NAMING = f"""
SELECT DISTINCT f.effect FROM effects f JOIN events e ON e.position = f.position
WHERE f.leases > f.failures AND f.due_at > clock_timestamp() AND e.category <> 'erasure'
  AND {_NAMES}
"""
_PARKED_NAMING = f"""
SELECT DISTINCT p.consumer FROM parked_streams p
WHERE EXISTS (SELECT FROM events e WHERE e.stream_id = p.stream_id AND {_NAMES})
"""
_WAITING_COMMANDS = """
SELECT DISTINCT name FROM saga_commands WHERE tenant = %s AND saga <> 'erasing'
"""


class Acknowledgements:
    """A consumer acknowledges an erasure by its checkpoints: it is at the erasure's position.

    In each stream deletion and erasure come after what they delete, so whoever is there has let
    go of it.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        progress: LogProgress,
        arriving: Callable[[str], list[str]],
        moving_money: Collection[str] = (),
    ) -> None:
        """`arriving` names what may still come into a workspace from outside, `moving_money` are
        the consumers that make intents to move money into work.
        """
        self._pool, self._progress, self._arriving = pool, progress, arriving
        self._moving_money = moving_money

    def missing(self, workspace_id: str, position: int) -> list[str]:
        """Names of consumers and of work that is not done yet; empty when all have let go.

        Work that nobody has begun is dropped.
        """
        behind = self._behind(position)
        with self._pool.connection() as connection:
            connection.execute(_DROP_WORK, (workspace_id,))
            for query in (_PARKED, _WORK_IN_HAND, _WAITING_COMMANDS):
                behind |= {name for (name,) in connection.execute(query, (workspace_id,))}
        behind.update(self._arriving(workspace_id))
        return sorted(behind | self._drop_builds_behind(position))

    def missing_of_person(self, person_id: str, position: int) -> list[str]:
        """The same of somebody who has no workspace, but is named in those of others: nothing of
        theirs is dropped.
        """
        behind = self._behind(position)
        with self._pool.connection() as connection:
            for query in (_PARKED_NAMING, _WORK_NAMING):
                behind |= {name for (name,) in connection.execute(query, (person_id,))}
        return sorted(behind | self._drop_builds_behind(position))

    def mails_of_person(self, person_id: str) -> list[str]:
        """Names of the mails that are to be written by an event which names this person."""
        with self._pool.connection() as connection:
            rows = connection.execute(_MAILS_NAMING, (person_id,)).fetchall()
        return sorted(name for (name,) in rows)

    def mails(self, workspace_id: str) -> list[str]:
        """Names of the mails to its people that somebody is writing this moment; those that nobody
        has begun are dropped.
        """
        with self._pool.connection() as connection:
            connection.execute(_DROP_WORK, (workspace_id,))
            rows = connection.execute(_MAILS_IN_HAND, (workspace_id,)).fetchall()
        return sorted(name for (name,) in rows)

    def money(self, person_id: str, position: int) -> list[str]:
        """Names of what may still move money of the person, of all that was wanted up to
        `position`: consumers that are behind it, effects whose answer is not there.

        The consumers first, for their work is there when they are: once empty it stays so, as
        nothing is wanted behind the erasure's claim.
        """
        at = {consumer.name: consumer.position for consumer in self._progress.all()}
        behind = {name for name in self._moving_money if at.get(name, 0) < position}
        with self._pool.connection() as connection:
            rows = connection.execute(_MOVING_MONEY, (person_id,)).fetchall()
        return sorted(behind.union(name for (name,) in rows))

    def given(self, position: int) -> tuple[Acknowledgement, ...]:
        """Every consumer with the position it is at."""
        return tuple(
            Acknowledgement(name=consumer.name, position=consumer.position)
            for consumer in self._progress.all()
            if consumer.position >= position
        )

    def _behind(self, position: int) -> set[str]:
        return {consumer.name for consumer in self._progress.all() if consumer.position < position}

    def _drop_builds_behind(self, position: int) -> set[str]:
        """A replaced build that is kept, or one that was left half made, still has the person.

        Answers those being made this moment: they get there themselves.
        """
        making = set()
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT DISTINCT consumer FROM builds WHERE reached < %s", (position,)
            ).fetchall()
            for (name,) in rows:
                key = (LOCK_CLASS, f"rebuild {name}")
                lock = "pg_try_advisory_xact_lock(%s, hashtext(%s))"
                with connection.transaction():
                    alone = connection.execute(f"SELECT {lock}", key).fetchone()
                    if alone and alone[0]:
                        drop_builds(connection, name, "kept", "making")
                    else:
                        making.add(f"rebuild of {name}")
        return making
