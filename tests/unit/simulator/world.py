"""The product's saga and consumer engines over a store in memory, moved one action at a time.

Real: every saga there is, in one lane; stepping, timers, dispatcher, operating, batches,
checkpoints' decisions, units of work, command handlers, aggregates, the read model's fold.
Stand-ins: `memory.py`. What people and effects do to a saga: `described.py`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import psycopg

from commands.command import Command
from commands.forwarding import Handler, Handlers
from commands.unit import CommandContext, Unit
from events.envelope import Envelope
from events.errors import NoCultureError
from events.ids import (
    AccountId,
    AssetId,
    CommandId,
    CorrelationId,
    ErasureId,
    ReanalysisId,
    WorkspaceId,
)
from events.log.partitions import LogPartition, topic_of
from events.log.port import Checkpoint
from events.store.pending import StoreBusy, VersionConflict
from processors.consumers.batch import Batches
from processors.consumers.checkpoints import CheckpointMoved
from processors.consumers.consumer import Consumer, TryAgain
from processors.consumers.group import Group
from processors.sagas.consumer import SagaConsumer
from processors.sagas.dispatcher import Dispatcher
from processors.sagas.timers import Timers
from processors.system.operating import Operating
from processors.wake import Wake
from runtime.areas import HANDLERS, SAGAS
from sagas.saga import Saga
from tests.unit.simulator.described import ANSWERS, DESCRIBED, MEDDLING
from tests.unit.simulator.lanes import Uploads, View, Worker
from tests.unit.simulator.memory import (
    PARTITIONS,
    Codec,
    Commands,
    Connection,
    Crash,
    Log,
    MemoryGroup,
    NoLetters,
    Rows,
    Store,
    items_of,
)

# As many recordings, reanalyses and erasures in one world.
EACH, WORKERS = 2, 2
# The choice with which every effect succeeds.
GOOD = 5
NOBODY = Wake()
FAULTS = (None, None, None, "crash before commit", "crash after commit", "lost answer")
# So many events of a partition at a time, or all.
MANY = (1, 2, 4, None)
INTENTS = frozenset(intent.type for intent in ANSWERS)
STARTS = tuple(DESCRIBED)
# What a worker takes for the weather and reads again for.
WEATHER = (CheckpointMoved, TryAgain, VersionConflict, StoreBusy, psycopg.OperationalError)


class RefusedForGood(NoCultureError):
    status, code = 409, "refused-for-good"


@cache
def places_of(categories: tuple[str, ...]) -> tuple[LogPartition, ...]:
    return tuple(
        LogPartition(topic_of(category), number)
        for category in categories
        for number in range(PARTITIONS)
    )


class World:
    refusals: tuple[str | None, ...] = ("busy", "for good", None, None, None, None)

    def __init__(self, name: str = "simulated") -> None:
        """Another name, other ids."""
        self.workspace, self.operator = WorkspaceId.derived(name), AccountId.derived(name)
        numbers = range(EACH)
        self.assets = tuple(AssetId.derived(name, number) for number in numbers)
        self.reanalyses = tuple(ReanalysisId.derived(name, number) for number in numbers)
        self.erasures = tuple(ErasureId.derived(name, number) for number in numbers)
        self.sagas = self.make_sagas()
        self.steps = {saga.stepped.type for saga in self.sagas.values()}
        self.store = self.make_store()
        self.pool: Any = self.make_pool()
        self.codec: Any = self.make_codec()
        self.log: Any = self.make_log()
        self.rows: Any = self.make_rows()
        self.commands: Any = self.make_commands()
        shared = (self.log, self.pool, self.codec)
        self.handlers = self.make_handlers()
        handlers = {
            name: (model, partial(self._handle, handler))
            for name, (model, handler) in self.handlers.items()
        }
        self.timers = Timers(self.sagas, *shared, NOBODY, self.rows)
        commands: Any = self
        self.dispatcher = Dispatcher(commands, self.sagas, handlers, *shared, NOBODY, self.rows)
        self.operating = Operating(self.sagas, *shared, self.rows)
        self.workers = [[self.worker(kind) for _ in range(WORKERS)] for kind in ("saga", "view")]
        self.refusal: str | None = None

    # What mutations replace (`mutants.py`), and the world over Postgres.
    def make_sagas(self) -> Mapping[str, Saga]:
        return SAGAS

    def make_handlers(self) -> Handlers:
        return HANDLERS

    def make_store(self) -> Store:
        return Store()

    def make_pool(self) -> Any:
        return Connection(self.store)

    def make_codec(self) -> Any:
        return Codec()

    def make_log(self) -> Any:
        return Log(self.store)

    def make_rows(self) -> Any:
        return Rows(self.store)

    def make_commands(self) -> Any:
        return Commands(self.store, self.log, self.codec)

    def make_group(self, lane: str) -> Group:
        return MemoryGroup(self.store, lane)

    def make_batches(self) -> Batches:
        return Batches(
            *(self.pool, self.codec, NoLetters()),
            transaction=lambda connection: connection.transaction(),
        )

    def make_views(self) -> list[Consumer]:
        return [View(self.store), Uploads(self.store)]

    def positions(self, consumer: Consumer) -> dict[LogPartition, int]:
        """Its checkpoints, of every partition that it reads."""
        stored = self.store.checkpoints
        return {p: stored.get((consumer.name, p), 0) for p in places_of(consumer.categories)}

    def worker(self, kind: str) -> Worker:
        """A worker that starts: it knows what is stored."""
        consumers: list[Consumer] = (
            [
                SagaConsumer(saga, self.log, self.codec, NOBODY, self.rows)
                for saga in self.sagas.values()
            ]
            if kind == "saga"
            else self.make_views()
        )
        worker = Worker(self.make_batches(), self.make_group(kind), consumers)
        begun = False
        for consumer in consumers:
            for place, position in self.positions(consumer).items():
                worker.group.join(consumer, 1, place)
                begun = begun or position > 0
        if begun:
            self.enter(worker)
        return worker

    def enter(self, worker: Worker) -> None:
        """Stand where the furthest stands; whoever is behind is brought up from the store alone."""
        group, fault, self.store.fault = worker.group, self.store.fault, None
        places = {consumer.name: self.positions(consumer) for consumer in worker.consumers}
        fronts: dict[LogPartition, int] = {}
        for reached in places.values():
            for place, position in reached.items():
                fronts[place] = max(position, fronts.get(place, 0))
        for consumer in worker.consumers:
            self._bring_up(worker, consumer, places[consumer.name], fronts)
        for place, position in fronts.items():
            if group.vector.position(place) != position:
                group.vector[place] = Checkpoint(position)
        self.store.fault = fault

    def _bring_up(
        self,
        worker: Worker,
        consumer: Consumer,
        reached: dict[LogPartition, int],
        fronts: dict[LogPartition, int],
    ) -> None:
        if all(fronts[place] <= position for place, position in reached.items()):
            return
        alone = self.make_group(worker.group.lane or "")
        items = []
        for place, position in reached.items():
            alone.vector[place] = Checkpoint(position)
            alone.join(consumer, 1, place)
            events = self.store.partitions.get(place, ())
            items += items_of(place, [e for e in events if position < e.position <= fronts[place]])
        if items:
            worker.batches.process(alone, items)

    # --- commands -------------------------------------------------------------------------------

    def unit(self, context: CommandContext, *, input: object) -> Unit:
        unit: Unit = self.commands.unit(context, input=input)
        return unit

    def version_of(self, stream_id: str) -> int:
        """0 for a stream that nobody has begun."""
        return len(self.store.streams.get(stream_id, ()))

    def do(self, what: str, stage: Callable[[Unit], None]) -> None:
        """A person's command; `what` names it, so that it is done once."""
        context = CommandContext(
            self.operator, self.workspace, CommandId.derived(what), CorrelationId.derived(what)
        )
        unit = self.unit(context, input=None)
        stage(unit)
        unit.commit()

    def answer(self, command: Command, intent: Envelope) -> None:
        """An effect's command."""
        context = CommandContext(
            actor=None,
            tenant=self.workspace,
            command_id=CommandId.derived(command.stored_name, intent.event_id),
            correlation_id=intent.correlation_id,
            causation_id=intent.event_id,
        )
        unit = self.unit(context, input=None)
        self.handlers[command.stored_name][1](unit, command)
        unit.commit()

    def _handle(self, handler: Handler, unit: Unit, command: Command) -> None:
        """The dispatcher's commands are refused where the schedule says so."""
        refusal, self.refusal = self.refusal, None
        if refusal == "busy":
            raise StoreBusy
        if refusal == "for good":
            raise RefusedForGood("The simulator says so")
        handler(unit, command)

    # --- actions: `x` and `y` choose among what is possible --------------------------------------

    def act(self, action: str, x: int, y: int) -> object:
        """What the action answers; None when it was struck down or refused."""
        try:
            return getattr(self, "do_" + action)(x, y)
        except Crash:
            kind = int(x % 4 == 1)
            # The process is gone, and with it what it remembered; another one starts.
            self.workers[kind][y % WORKERS] = self.worker(("saga", "view")[kind])
        except (psycopg.OperationalError, NoCultureError):
            pass
        finally:
            self.store.fault = self.store.between = self.store.overtaking = self.refusal = None
        return None

    def do_start(self, x: int, y: int) -> None:
        DESCRIBED[STARTS[x % len(STARTS)]].start(self, y)

    def do_meddle(self, x: int, y: int) -> None:
        MEDDLING[x % len(MEDDLING)](self, y)

    def do_deliver(self, x: int, y: int) -> bool:
        """The next events of some partitions, as this worker remembers where it is: the other one
        may have been there. False when it sees none.
        """
        # Three of four times the saga's: what it does is what there is to see.
        kind, number = int(x % 4 == 1), y % WORKERS
        worker = self.workers[kind][number]
        items = []
        for place, events in self.store.partitions.items():
            if worker.group.reads(place) and (x >> 4) % 3 != place.number % 2:
                reached = worker.group.vector.position(place)
                if new := [each for each in events if each.position > reached]:
                    items += items_of(place, new[: MANY[(y >> 1) % len(MANY)]])
        if not items:
            return False
        self.store.fault = FAULTS[(y >> 3) % len(FAULTS)]
        trouble = (x >> 2) % 4
        if kind == 0 and trouble < 2:
            self.store.between = lambda: self._another(x >> 6)
        self.store.choking = trouble == (2, 0)[kind]
        try:
            worker.batches.process(worker.group, items)
        except WEATHER:
            self.store.between, self.store.choking = None, False
            self.enter(worker)
        finally:
            self.store.choking = False
        return True

    def _another(self, x: int) -> None:
        """What another process may do to the same sagas meanwhile, undisturbed."""
        others: tuple[Callable[[int, int], None], ...] = (
            self.do_fire,
            self.do_send,
            self.do_operate,
        )
        with contextlib.suppress(NoCultureError, psycopg.OperationalError, Crash):
            others[x % 3](x >> 2, 0)

    def do_fire(self, x: int, y: int) -> None:
        """Time passes until the next timer is due, or not at all."""
        if x % 4 and self.store.timers:
            self.wait_until(min(due_s for _, due_s in self.store.timers.values()))
        self.store.fault = FAULTS[y % len(FAULTS)]
        self.timers.fire_one()

    def do_send(self, x: int, y: int) -> None:
        if x % 2 and self.store.commands:
            self.wait_until(min(due_s for _, due_s, _, _ in self.store.commands.values()))
        self.refusal = self.refusals[(x >> 1) % len(self.refusals)]
        self.store.fault = FAULTS[y % len(FAULTS)]
        self.dispatcher.send_one()

    def do_set_clock(self, x: int, y: int) -> None:
        """Back or forward by up to a day and a half; never before the beginning."""
        self.turn_clock((x % 129_600) * (1 if y % 2 else -1))

    def wait_until(self, due_s: float) -> None:
        self.store.now_s = max(self.store.now_s, due_s)

    def turn_clock(self, by_s: float) -> None:
        self.store.now_s = max(0.0, self.store.now_s + by_s)

    def do_operate(self, x: int, y: int) -> None:
        sagas = self.saga_streams()
        if not sagas:
            return
        saga_id, stream = sagas[x % len(sagas)]
        version = len(stream)
        actions: Any = ("retry", "skip", "retry", "abort")
        self.store.fault = FAULTS[(y >> 2) % len(FAULTS)]
        self.operating.operate(
            actions[(x >> 3) % 4],
            saga_id,
            "simulated",
            operator_id=self.operator,
            command_id=CommandId.derived("operator", saga_id, x, version),
            expected_version=(None, version, version - 1)[y % 3],
        )

    def do_answer(self, x: int, y: int) -> None:
        """An effect answers one of its intents: the newest, or a late one, or the same again."""
        intents = [envelope for envelope in self.store.log if envelope.type in INTENTS]
        if not intents:
            return
        intent = intents[-1 - x % min(3, len(intents))]
        asked = self.codec.events[intent.event_id]
        command = ANSWERS[type(asked)](asked, y >> 4)
        if command is not None:
            self.store.fault = FAULTS[(y >> 2) % len(FAULTS)]
            self.answer(command, intent)

    def saga_streams(self) -> list[tuple[str, list[Envelope]]]:
        """Every saga that has begun, with its steps."""
        return [
            (name, stream)
            for name, stream in self.store.streams.items()
            if stream and stream[0].type in self.steps
        ]

    def going(self) -> list[str]:
        """The sagas that have not ended."""
        return [
            name
            for name, stream in self.saga_streams()
            if self.codec.events[stream[-1].event_id].state != "Ended"
        ]

    def answer_all(self) -> None:
        """Every effect answers what it has not answered yet, as well as it can."""
        answered = {envelope.causation_id for envelope in self.store.log}
        for intent in list(self.store.log):
            if intent.type in INTENTS and intent.event_id not in answered:
                asked = self.codec.events[intent.event_id]
                command = ANSWERS[type(asked)](asked, GOOD)
                assert command is not None
                with contextlib.suppress(NoCultureError):
                    self.answer(command, intent)


class Obliging(World):
    """No command is refused but by the product's own rules."""

    refusals = ("busy", None, None)
