"""Every consumer of the log by name, and the engine that runs them in a worker."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from commands.leaving import AllContents
from events.log.port import EventLog
from processors.consumers.consumer import Consumer
from processors.consumers.engine import Engine
from processors.consumers.projection import ProjectionConsumer
from processors.effects.consumer import EffectConsumer
from processors.rebuild import Rebuilder
from processors.sagas.consumer import SagaConsumer
from projections.projection import Projection
from projections.system.sagas import Sagas
from projections.system.timeline import Timeline
from runtime.areas import ALL, AREAS
from runtime.areas.area import Working
from runtime.composition import Core, Wakes, new_wakes


def consumers(core: Core, wakes: Wakes) -> list[Consumer]:
    sagas = (
        SagaConsumer(saga, core.log, core.codec, wakes.commands) for saga in ALL.sagas.values()
    )
    effects = (
        EffectConsumer(each.name, each.effects, wakes.effects, each.rank, money=each.money)
        for each in ALL.effects.values()
    )
    return [*map(ProjectionConsumer, views()), *sagas, *effects]


def working(core: Core, stack: ExitStack) -> Working:
    """Everything that effects of a worker share; `stack` closes their tools."""
    contents = AllContents([area.empties(core) for area in AREAS if area.empties])
    return Working(core, stack, contents, lambda: consumers(core, new_wakes()))


def views() -> list[Projection]:
    """Makes each view anew. Two are of all areas: what is told, which sagas there are."""
    steps = [saga.stepped.type.partition(".")[0] for saga in ALL.sagas.values()]
    of_all: dict[type[Projection], Callable[[], Projection]] = {
        Timeline: lambda: Timeline(ALL.told),
        Sagas: lambda: Sagas(steps),
    }
    return [of_all.get(view, view)() for view in ALL.views]


def rebuilder(core: Core) -> Rebuilder:
    settings = core.settings
    keep_s = settings.keep_replaced_hours * 3600
    return Rebuilder(core.pool, core.codec, settings.event_log, keep_s)


def engine(core: Core, event_log: EventLog, wakes: Wakes) -> Engine:
    return Engine(consumers(core, wakes), event_log, core.pool, core.codec, rebuilder(core))
