"""The product's saga and consumer engines over a store in memory, moved one action at a time.

Real: `react` and `undo` of the saga, stepping, timers, dispatcher, operating, batches, checkpoints'
decisions, command handlers, aggregates, the read model's fold. Stand-ins: `memory.py`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from aggregates.vault import asset
from commands.unit import CommandContext
from commands.vault.ingest import (
    CompleteAnalysis,
    FailAnalysisAttempt,
    RejectAsset,
    VerifyAsset,
)
from commands.vault.ingest_handlers import HANDLERS
from events.envelope import Envelope, Recorded
from events.errors import NoCultureError
from events.ids import AccountId, AssetId, CommandId, IngestId, WorkspaceId
from events.log.partitions import LogPartition, topic_of
from events.log.port import Checkpoint
from events.store.pending import Append, StoreBusy, VersionConflict
from events.vault.analysis import AnalysisRequested
from events.vault.asset import AssetProbeRequested, AssetUploaded
from processors.consumers.batch import Batches
from processors.consumers.checkpoints import CheckpointMoved
from processors.consumers.consumer import Consumer, TryAgain
from processors.consumers.group import Group
from processors.sagas.consumer import SagaConsumer
from processors.sagas.dispatcher import Dispatcher
from processors.sagas.step_batch import pending_event
from processors.sagas.timers import Timers
from processors.system.operating import Operating
from processors.wake import Wake
from projections.system.sagas import Sagas
from sagas.vault.ingest import INGEST
from schemas.vault.examples import COVER, FACTS, MEASUREMENT, PEAKS, TAGS
from tests.unit.simulator.memory import (
    PARTITIONS,
    Codec,
    Connection,
    Crash,
    Log,
    MemoryGroup,
    NoLetters,
    Rows,
    Store,
    items_of,
)

MAX_ASSETS, WORKERS = 2, 2
WORKSPACE, OPERATOR = WorkspaceId.derived("simulated"), AccountId.derived("simulated")
ASSETS = tuple(AssetId.derived("simulated", number) for number in range(MAX_ASSETS))
SAGA_IDS = tuple(IngestId.beside(asset_id) for asset_id in ASSETS)
NOBODY = Wake()
SAGAS = {INGEST.name: INGEST}
FAULTS = (None, None, None, "crash before commit", "crash after commit", "lost answer")
# What a worker takes for the weather and reads again for.
WEATHER = (CheckpointMoved, TryAgain, VersionConflict, StoreBusy, psycopg.OperationalError)


class RefusedForGood(NoCultureError):
    status, code = 409, "refused-for-good"


class View(Consumer):
    """The real fold of `Sagas`, and beside it every position in the order it was applied: a fold
    that sets columns would not show an event that is applied twice.
    """

    kind = "projection"
    name = "sagas"
    categories = ("analysis", "asset", "ingest")

    def __init__(self, store: Store) -> None:
        self._store, self._fold = store, Sagas(View.categories).fold

    def apply(self, connection: Any, events: Sequence[Recorded]) -> None:
        store = self._store
        for event in events:
            store.put(store.view, "applied", (*store.view.get("applied", ()), event.position))
            self._fold(self, event)

    def upsert(self, key: Any, **columns: Any) -> None:
        self._store.put(self._store.view, key, {**self._store.view.get(key, {}), **columns})

    def delete(self, key: Any) -> None:
        self._store.remove(self._store.view, key)


class Uploads(Consumer):
    """Shares the lane of the view, reads less than it, and may fail where both are tried at once:
    then each goes on alone, and what strikes between the two leaves them apart.
    """

    kind = "projection"
    name = "uploads"
    categories = ("asset",)

    def __init__(self, store: Store) -> None:
        self._store = store

    def apply(self, connection: Any, events: Sequence[Recorded]) -> None:
        store = self._store
        if store.choking:
            store.choking = False
            raise ValueError("not the fault of any event")
        applied = store.view.get("uploads", ())
        store.put(store.view, "uploads", (*applied, *(event.position for event in events)))


@dataclass
class Worker:
    """One lane of a worker."""

    batches: Batches
    group: Group
    consumers: list[Consumer]


class Unit:
    """`commands.unit.Unit` for one decision."""

    def __init__(self, world: World, context: CommandContext) -> None:
        self._world, self._context = world, context
        self._change: tuple[Any, str, Any, dict[str, Any]] | None = None

    def load(self, module: Any, stream_id: str, *, fresh: bool = False) -> tuple[Any, int]:
        return self._world.load(module, stream_id)

    def change(self, module: Any, stream_id: str, decide: Any, **said: Any) -> None:
        self._change = (module, stream_id, decide, said)

    def commit(self) -> None:
        assert self._change is not None
        self._world.decide(self._context, *self._change)


class World:
    def __init__(self) -> None:
        self.assets, self.saga_ids = ASSETS, SAGA_IDS
        self.store = self.make_store()
        self.pool: Any = self.make_pool()
        self.codec: Any = self.make_codec()
        self.log: Any = self.make_log()
        self.rows: Any = self.make_rows()
        shared = (self.log, self.pool, self.codec)
        self.timers = Timers(SAGAS, *shared, NOBODY, self.rows)
        commands: Any = self
        self.dispatcher = Dispatcher(commands, SAGAS, HANDLERS, *shared, NOBODY, self.rows)
        self.operating = Operating(SAGAS, *shared, self.rows)
        self.workers = [[self.worker(kind) for _ in range(WORKERS)] for kind in ("saga", "view")]
        self.uploaded = 0
        self.refusal: str | None = None

    # What mutations replace (`mutants.py`), and the world over Postgres.
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
        return {
            place: self.store.checkpoints.get((consumer.name, place), 0)
            for place in (
                LogPartition(topic_of(category), number)
                for category in consumer.categories
                for number in range(PARTITIONS)
            )
        }

    def worker(self, kind: str) -> Worker:
        """A worker that starts: it knows what is stored."""
        consumers: list[Consumer] = (
            [SagaConsumer(INGEST, self.log, self.codec, NOBODY, self.rows)]
            if kind == "saga"
            else self.make_views()
        )
        worker = Worker(self.make_batches(), self.make_group(kind), consumers)
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
        group.clear(list(fronts))
        for place, position in fronts.items():
            group.vector[place] = Checkpoint(position)
        for consumer in worker.consumers:
            for place in places[consumer.name]:
                group.join(consumer, 1, place)
        self.store.fault = fault

    def _bring_up(
        self,
        worker: Worker,
        consumer: Consumer,
        reached: dict[LogPartition, int],
        fronts: dict[LogPartition, int],
    ) -> None:
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
        return Unit(self, context)

    def load(self, module: Any, stream_id: str) -> tuple[Any, int]:
        """(state or None, version)"""
        state: Any = None
        stream = self.store.streams.get(stream_id, ())
        for envelope in stream:
            state = module.evolve(state, self.codec.events[envelope.event_id])
        return state, len(stream)

    def decide(
        self, context: CommandContext, module: Any, stream_id: str, decide: Any, said: Any
    ) -> None:
        """Load, decide, append: as the unit of work does it."""
        refusal, self.refusal = self.refusal, None
        if refusal == "busy":
            raise StoreBusy
        if refusal == "for good":
            raise RefusedForGood("The simulator says so")
        state, version = self.load(module, stream_id)
        known = self.store.answered.get(context.command_id)
        try:
            events = decide(state, stream_id, **said).events
        except NoCultureError:
            if known is None:
                raise
            return
        if not events or known is not None:
            return
        pending = tuple(
            pending_event(event, stream_id, version + 1 + index, context.tenant, self.codec)
            for index, event in enumerate(events)
        )
        with self.pool.transaction():
            (verdict,) = self.log.append_in(
                self.pool,
                [
                    Append(
                        command_id=context.command_id,
                        input_hash=b"",
                        actor=context.actor,
                        tenant=context.tenant,
                        correlation_id=context.correlation_id,
                        causation_id=context.causation_id,
                        events=pending,
                    )
                ],
            )
            if isinstance(verdict, Exception):
                raise verdict

    def order(self, command: Any, reference: str, intent: Envelope | None = None) -> None:
        """A command of a person or of an effect; a refusal is an answer too."""
        context = CommandContext(
            actor=None,
            tenant=WORKSPACE,
            command_id=CommandId.derived(command.stored_name, reference),
            correlation_id=intent.correlation_id if intent else "cor_" + reference[4:],
            causation_id=intent.event_id if intent else None,
        )
        unit: Any = self.unit(context, input=None)
        try:
            HANDLERS[command.stored_name][1](unit, command)
            unit.commit()
        except NoCultureError:
            pass

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
            self.store.fault = self.store.between = self.refusal = None
        return None

    def do_upload(self, x: int, y: int) -> None:
        if self.uploaded == MAX_ASSETS:
            return
        asset_id = self.assets[self.uploaded]
        self.uploaded += 1
        context = CommandContext(
            OPERATOR, WORKSPACE, CommandId.derived("upload", asset_id), "cor_" + asset_id[4:]
        )
        said = {
            "workspace_id": WORKSPACE,
            "uploaded_by": OPERATOR,
            "filename": "a.wav",
            "sha256": asset_id[4:] * 2,
            "size_bytes": 1,
        }
        self.decide(context, asset, asset_id, asset.upload, said)

    def do_delete(self, x: int, y: int) -> None:
        if y % 4:
            return
        asset_id = self.assets[x % MAX_ASSETS]
        context = CommandContext(
            OPERATOR, WORKSPACE, CommandId.derived("delete", asset_id), "cor_" + asset_id[4:]
        )
        self.decide(context, asset, asset_id, asset.delete, {"deleted_by": OPERATOR})

    def do_deliver(self, x: int, y: int) -> bool:
        """The next events of some partitions, as this worker remembers where it is: the other one
        may have been there. False when it sees none.
        """
        # Three of four times the saga's: what it does is what there is to see.
        kind, number = int(x % 4 == 1), y % WORKERS
        worker = self.workers[kind][number]
        categories = (c for consumer in worker.consumers for c in consumer.categories)
        items, topics = [], set(map(topic_of, categories))
        for place, events in self.store.partitions.items():
            if place.topic in topics and (x >> 2) % 3 != place.number % 2:
                reached = worker.group.vector.position(place)
                new = [each for each in events if each.position > reached]
                items += items_of(place, new[: 1 + (y >> 1) % 4])
        if not items:
            return False
        self.store.fault = FAULTS[(y >> 3) % len(FAULTS)]
        if kind == 0 and (x >> 4) % 4 == 0:
            self.store.between = lambda: self._another(x >> 6, y >> 6)
        self.store.choking = kind == 1 and (x >> 4) % 4 == 0
        try:
            worker.batches.process(worker.group, items)
        except WEATHER:
            self.enter(worker)
        finally:
            self.store.choking = False
        return True

    def _another(self, x: int, y: int) -> None:
        """What another process may do to the same saga meanwhile."""
        others: tuple[Callable[[int, int], None], ...] = (
            self.do_fire,
            self.do_send,
            self.do_operate,
        )
        with contextlib.suppress(NoCultureError, psycopg.OperationalError, Crash):
            others[x % 3](x >> 2, y)

    def do_fire(self, x: int, y: int) -> None:
        """Time passes until the next timer is due, or not at all."""
        if x % 4 and self.store.timers:
            self.wait_until(min(due_s for _, due_s in self.store.timers.values()))
        self.store.fault = FAULTS[y % len(FAULTS)]
        self.timers.fire_one()

    def do_send(self, x: int, y: int) -> None:
        if x % 2 and self.store.commands:
            self.wait_until(min(due_s for _, due_s, _, _ in self.store.commands.values()))
        self.refusal = ("busy", "for good", None, None, None, None)[(x >> 1) % 6]
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
        saga_id = IngestId.beside(self.assets[x % MAX_ASSETS])
        version = len(self.store.streams.get(saga_id, ()))
        actions: Any = ("retry", "skip", "retry", "abort")
        self.store.fault = FAULTS[(y >> 2) % len(FAULTS)]
        self.operating.operate(
            actions[(x >> 1) % 4],
            saga_id,
            "simulated",
            operator_id=OPERATOR,
            command_id=CommandId.derived("operator", x, version),
            expected_version=(None, version, version - 1)[y % 3],
        )

    def do_answer(self, x: int, y: int) -> None:
        """An effect answers one of its intents: the newest, or a late one, or the same again."""
        intents = [
            envelope
            for envelope in self.store.log
            if envelope.type in ("asset.uploaded", "asset.probe_requested", "analysis.requested")
        ]
        if not intents:
            return
        intent = intents[-1 - x % min(3, len(intents))]
        self.store.fault = FAULTS[(y >> 2) % 3]
        self.order(answer_to(self.codec.events[intent.event_id], y >> 4), intent.event_id, intent)


def answer_to(intent: Any, choice: int) -> Any:
    match intent, choice % 8:
        case ((AssetUploaded() | AssetProbeRequested()), 0):
            return RejectAsset(asset_id=intent.asset_id, code="no-audio", reason="simulated")
        case ((AssetUploaded() | AssetProbeRequested()), _):
            return VerifyAsset(asset_id=intent.asset_id, tags=TAGS, audio=FACTS, cover=COVER)
        case AnalysisRequested(), (0 | 1 | 2 | 3):
            return FailAnalysisAttempt(
                analysis_id=intent.analysis_id,
                attempt=intent.attempt,
                code="simulated",
                reason="simulated",
            )
        case _:
            return CompleteAnalysis(
                analysis_id=intent.analysis_id, measurement=MEASUREMENT, peaks=PEAKS
            )
