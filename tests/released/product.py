"""What the fixture's writer and its test need of the product: all that they import of its rooms
stands here and in `tools.py`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_type_hints

import psycopg
from pydantic import TypeAdapter
from starlette.testclient import TestClient

from aggregates.account import account
from aggregates.vault import asset, collection
from commands.unit import CommandContext, Commands
from events.catalogue import load_all_events
from events.envelope import Envelope
from events.ids import AccountId, CommandId, CorrelationId, PasskeyId
from events.log.partitions import partition_of
from events.log.progress import LogProgress
from events.log.records import from_record, source_of
from events.log.tail import LogTail
from events.model import REGISTRY
from events.store.checkpoints import Checkpoint
from events.store.snapshots import shape_of
from events.store.verify import Verification, verify
from processors.consumers.projection import ProjectionConsumer
from processors.effects.caps import Caps
from processors.effects.effect import Effect
from processors.effects.runner import EffectRunner
from processors.publisher import Progress
from processors.rebuild import Rebuilder, Rebuilt
from processors.relay import Relay
from processors.sagas.dispatcher import Dispatcher
from processors.sagas.timers import Timers
from processors.vault.audio import AnalysisEffect, ProbeEffect
from processors.wake import Wake
from runtime.app import Application, compose
from runtime.areas import HANDLERS, SAGAS
from runtime.areas.account import AREA as ACCOUNT
from runtime.checkpoints import checkpointer
from runtime.cli.proofs import exported_checkpoints
from runtime.composition import (
    Core,
    kafka_config,
    new_wakes,
    open_core,
    open_event_log,
    record_proofs,
)
from runtime.consumers import consumers, engine, views, working
from runtime.engines.kafka import EmbeddedKafka
from runtime.engines.kafka_users import KafkaUser
from runtime.erasure import before_ready
from runtime.settings import Settings, load_settings
from tests.conftest import Database
from tests.fixtures.doubles import served
from tests.released.tools import Tools

__all__ = [
    "REGISTRY",
    "before_ready",
    "from_record",
    "load_all_events",
    "partition_of",
    "source_of",
]
read_progress, read_checkpoint = Progress.from_bytes, Checkpoint.from_json

PASSWORD = "a long enough password"
Loop = Callable[[threading.Event], None]
# By the prefix of a stream's id: of which streams the fixture holds a snapshot.
AGGREGATES: dict[str, Any] = {"ast": asset, "col": collection}
# Parts of `Product.working`.
CONSUMERS, DISPATCHER, TIMERS, RELAY = "consumers", "dispatcher", "timers", "relay"


@dataclass
class Product:
    """An installation in one process; `working` runs as much of its worker as one names."""

    settings: Settings
    database: Database
    core: Core
    # The worker's, with its own rights in the database.
    behind: Core
    application: Application
    tools: Tools
    open_clients: list[TestClient] = field(default_factory=list)

    def browser(self) -> TestClient:
        client = TestClient(self.application.app, follow_redirects=False)
        self.open_clients.append(client)
        return client

    def effects(self) -> dict[str, Effect]:
        audio = (
            ProbeEffect(self.tools, self.behind.objects),
            AnalysisEffect(self.tools, self.behind.objects),
        )
        others = ACCOUNT.work(working(self.behind, ExitStack()))
        return {effect.name: effect for effect in (*audio, *others)}

    def perform(self, effect: str) -> None:
        """One waiting piece of work."""
        runner = self._runner(self.effects()[effect], Wake())
        assert runner.work_one(), f"nothing waits for {effect}"

    def _runner(self, effect: Effect, due: Wake) -> EffectRunner:
        caps = Caps([effect], effect.cap)
        return EffectRunner(caps, self.behind.commands, HANDLERS, self.behind.pool, due)

    @contextmanager
    def working(self, *parts: str) -> Iterator[None]:
        """Runs the parts that are named, effects by their own names, until the block ends."""
        stop = threading.Event()
        with ExitStack() as stack:
            threads = [
                threading.Thread(target=loop, args=(stop,)) for loop in self._loops(parts, stack)
            ]
            for thread in threads:
                thread.start()
            try:
                yield
            finally:
                stop.set()
                for thread in threads:
                    thread.join(30)

    def _loops(self, parts: tuple[str, ...], stack: ExitStack) -> Iterator[Loop]:
        core, wakes, effects = self.behind, new_wakes(), self.effects()
        yield wakes.tail(core.url, effects).run
        for part in parts:
            match part:
                case "consumers":
                    yield engine(core, stack.enter_context(open_event_log(core)), wakes).run
                case "dispatcher":
                    yield Dispatcher(
                        core.commands,
                        SAGAS,
                        HANDLERS,
                        core.log,
                        core.pool,
                        core.codec,
                        wakes.commands,
                    ).run
                case "timers":
                    yield Timers(
                        SAGAS, core.log, core.pool, core.codec, wakes.commands, due=wakes.timers
                    ).run
                case "relay":
                    relaying = stack.enter_context(open_core(self.settings, acting="relay"))
                    config = kafka_config(self.settings, KafkaUser.RELAY)
                    yield Relay(relaying.url, relaying.pool, config, record_proofs(relaying)).run
                case effect:
                    yield self._runner(effects[effect], wakes.effects).run

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """As the database's owner."""
        with psycopg.connect(self.database.owner_url) as connection:
            return connection.execute(query, values).fetchall()

    def execute(self, query: str, *values: Any) -> None:
        """As the database's owner."""
        with psycopg.connect(self.database.owner_url) as connection:
            connection.execute(query, values)

    def envelopes(self) -> list[Envelope]:
        return list(self.core.log.events.after(0, 1_000_000))

    def decode(self, envelope: Envelope) -> Any:
        return self.core.codec.decode(envelope)

    def head(self) -> int:
        return self.core.log.events.head()

    def is_idle(self) -> bool:
        """Every consumer has all that happened, and nothing waits but for a timer."""
        head = self.head()
        places = self.core.progress.all()
        reached = len(places) == len(self.consumers()) and all(at.position >= head for at in places)
        waiting = self.rows(
            "SELECT (SELECT count(*) FROM saga_commands) + (SELECT count(*) FROM effects)"
        )
        return reached and not waiting[0][0] and head == self.head()

    def consumers(self) -> dict[str, int]:
        """Name and version of each that this program has."""
        return {each.name: each.version for each in consumers(self.behind, new_wakes())}

    def positions(self, event_log: Any = "kafka") -> dict[str, int]:
        """How far each consumer is, as installations with this event log count it."""
        found = LogProgress(self.core.pool, event_log).all()
        return {each.name: each.position for each in found}

    def rebuild(self, view: str) -> Rebuilt:
        """Folded anew from the store, by this program."""
        projection = next(each for each in views() if each.name == view)
        return self.rebuilder().rebuild(ProjectionConsumer(projection))

    def rebuilder(self) -> Rebuilder:
        return Rebuilder(self.behind.pool, self.behind.codec, "kafka")

    def sign(self) -> None:
        """A signed checkpoint of the log, in the table and in the file beside the database."""
        signing = checkpointer(self.behind)
        signing.sign()
        signing.export()

    def verify(self) -> Verification:
        """As `./noculture log verify`."""
        log_id, _ = self.core.log.events.log_identity()
        signed = exported_checkpoints(self.settings, log_id, None)
        with psycopg.connect(self.database.app_url, autocommit=True) as connection:
            return verify(connection, checkpoints=signed)

    def load(self, stream_id: str) -> Any:
        """A stream's state as a process loads it that has just begun."""
        core = self.core
        key = self.settings.secrets.installation_key
        commands = Commands(core.log, core.pool, core.codec, key)
        return commands.load(AGGREGATES[stream_id[:3]], stream_id)

    def add_passkey(self, account_id: str, workspace_id: str) -> str:
        """One that no device has: enough to be listed and removed."""
        passkey_id, owner = PasskeyId.new(), AccountId(account_id)
        context = CommandContext(owner, workspace_id, CommandId.new(), CorrelationId.new())
        unit = self.core.commands.unit(context, input=None)
        unit.change(account, owner, account.add_passkey, account_id=owner, passkey_id=passkey_id)
        unit.alongside(
            "INSERT INTO credentials_passkeys"
            " (passkey_id, account_id, credential_id, public_key, sign_count, name)"
            " VALUES (%s, %s, %s, 'key', 0, 'A passkey')",
            (passkey_id, owner, passkey_id.encode()),
        )
        unit.commit()
        return str(passkey_id)

    @contextmanager
    def mailing_codes(self) -> Iterator[None]:
        """As where mails leave the machine: an address counts once a mailed code was shown."""
        codes = self.application.served["account"].commands.address_codes
        codes._test_mode = False
        yield
        codes._test_mode = True

    def standing_clock(self, at: float) -> None:
        """Codes of a second factor are those of this moment."""
        self.application.served["account"].commands.second_factors._now = lambda: at


def shape_now(stream_id: str) -> str:
    """Of the snapshots that this program keeps of such a stream."""
    evolve = AGGREGATES[stream_id[:3]].evolve
    return shape_of(TypeAdapter(get_type_hints(evolve)["return"]), evolve)


@contextmanager
def open_product(
    database: Database, data: Path, kafka: EmbeddedKafka | None = None
) -> Iterator[Product]:
    """Without a broker its consumers read the store itself."""
    settings = load_settings(
        data,
        event_log="kafka" if kafka else "postgres",
        database_url=database.owner_url,
        app_database_url=database.app_url,
        worker_database_url=database.worker_url,
        relay_database_url=database.relay_url,
        **(_broker(kafka) if kafka else {}),
    )
    with (
        served(settings),
        open_core(settings, connections=24) as core,
        open_core(settings, acting="worker", connections=32) as behind,
    ):
        tail, tools = LogTail(core.url), Tools()
        application = compose(core, tail)
        application.served["vault"].commands.rewriting._tools = tools
        product = Product(settings, database, core, behind, application, tools)
        try:
            yield product
        finally:
            application.app.state.close()
            tail.close()


def _broker(kafka: EmbeddedKafka) -> dict[str, Any]:
    config = kafka.config(KafkaUser.ADMIN)
    return {
        "kafka_bootstrap": config.bootstrap,
        "kafka_security_protocol": config.security_protocol,
        "kafka_sasl_mechanism": config.sasl_mechanism,
        "kafka_sasl_username": config.username,
        "kafka_sasl_password": config.password,
    }
