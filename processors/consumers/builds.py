"""Rows of `builds`: the build being made of a read model, and the replaced one that is kept."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from events.envelope import Envelope
from events.log.partitions import LogPartition, partition_of
from events.log.port import Checkpoint, Vector
from processors.consumers import parking
from processors.consumers.consumer import Connection
from processors.consumers.projection import ProjectionConsumer
from processors.consumers.views import BuildState
from projections.projection import Projection

_COLUMNS = "build, version, epoch, program, reached, events, applied, parked"


@dataclass(frozen=True, slots=True)
class Reached:
    """The events that a build has folded: up to `position`, and later ones that `vector` names."""

    position: int = 0
    vector: Vector = field(default_factory=Vector)

    def has(self, event: Envelope) -> bool:
        if event.position <= self.position:
            return True
        return bool(self.vector) and self.vector.applied(partition_of(event), event.position)


@dataclass(slots=True)
class Build:
    """One build beside the live one; `parked` are the streams that it has put aside."""

    consumer: ProjectionConsumer
    number: int
    version: int
    epoch: int
    program: str
    reached: Reached = field(default_factory=Reached)
    events: int = 0
    parked: list[tuple[str, int, str]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.consumer.name

    def at(self, reached: Reached, events: int) -> Build:
        return replace(self, reached=reached, events=events)


def program_of(projection: Projection) -> str:
    """Changes with the fold's module or its table: a half-made build of another fold is thrown
    away.
    """
    module_file = sys.modules[type(projection).__module__].__file__
    assert module_file is not None
    content = Path(module_file).read_bytes() + projection.table_sql.encode()
    return hashlib.sha256(type(projection).__qualname__.encode() + content).hexdigest()


def find(connection: Connection, consumer: ProjectionConsumer, state: BuildState) -> Build | None:
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM builds WHERE consumer = %s AND state = %s", (consumer.name, state)
    ).fetchone()
    if row is None:
        return None
    number, version, epoch, program, position, events, applied, parked = row
    vector = Vector((LogPartition(topic, n), Checkpoint(at)) for topic, n, at in applied)
    return Build(
        _twin(consumer, number),
        number,
        version,
        epoch,
        program,
        Reached(position, vector),
        events,
        [tuple(each) for each in parked],
    )


def add_making(connection: Connection, consumer: ProjectionConsumer, epoch: int) -> Build:
    """A new build of this program with the next number."""
    row = connection.execute(
        "UPDATE consumers SET last_build = last_build + 1 WHERE name = %s RETURNING last_build",
        (consumer.name,),
    ).fetchone()
    assert row is not None
    program = program_of(consumer.projection)
    connection.execute(
        "INSERT INTO builds (consumer, build, version, state, epoch, program)"
        " VALUES (%s, %s, %s, 'making', %s, %s)",
        (consumer.name, row[0], consumer.version, epoch, program),
    )
    return Build(_twin(consumer, row[0]), row[0], consumer.version, epoch, program)


def advance(connection: Connection, build: Build, reached: Reached, events: int) -> bool:
    """From where `build` is to `reached`. False when the build was dropped, or moved by another.

    Before the rows are written: whoever drops the build then waits for this transaction.
    """
    updated = connection.execute(
        "UPDATE builds SET (reached, applied, events) = (%s, %s, %s)"
        " WHERE consumer = %s AND build = %s AND events = %s",
        (
            reached.position,
            _as_json(reached.vector),
            events,
            build.name,
            build.number,
            build.events,
        ),
    )
    return updated.rowcount == 1


def keep_replaced(
    connection: Connection, build: Build, live: tuple[int, int], reached: Reached, keep_s: float
) -> None:
    """The live build (number, version) at `reached` becomes the kept one, with its parked
    streams.
    """
    number, version = live
    connection.execute(
        "DELETE FROM builds WHERE consumer = %s AND build = %s", (build.name, build.number)
    )
    connection.execute(
        "INSERT INTO builds (consumer, build, version, state, epoch, program, reached, applied,"
        " parked, kept_until) VALUES (%s, %s, %s, 'kept', %s, '', %s, %s, %s,"
        " now() + make_interval(secs => %s))",
        (
            build.name,
            number,
            version,
            build.epoch,
            reached.position,
            _as_json(reached.vector),
            json.dumps(parking.parked_with_errors(connection, build.name)),
            keep_s,
        ),
    )


def overdue(connection: Connection) -> list[str]:
    """Consumers whose replaced build was kept long enough."""
    rows = connection.execute(
        "SELECT consumer FROM builds WHERE state = 'kept' AND kept_until <= now()"
    ).fetchall()
    return [name for (name,) in rows]


def _twin(consumer: ProjectionConsumer, number: int) -> ProjectionConsumer:
    twin = ProjectionConsumer(consumer.projection)
    twin.use_build(number)
    return twin


def _as_json(vector: Vector) -> str:
    return json.dumps([[*partition, at.position] for partition, at in vector.items()])
