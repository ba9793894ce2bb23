"""Runs each part in its process until it is told to stop."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from kit.cores import keep_to
from runtime.composition import Core, open_core
from runtime.heartbeat import Heartbeat
from runtime.observability.logs import start_logging
from runtime.observability.tracing import exporting
from runtime.settings import Settings
from runtime.threads import Work, run_until_stopped

if TYPE_CHECKING:
    from processors.consumers.engine import Engine

DISPATCH_THREADS = 2
# For all effects of a worker: two may hang at the mail server while a file is probed, and an
# erasure still goes on.
RUNNERS = 4


def run_migrations(settings: Settings) -> None:
    """Bring the database to this version."""
    from runtime.migrate import migrate
    from runtime.rights import Roles

    for name in migrate(settings.database_url or settings.app_database_url, Roles.of(settings)):
        print(f"applied {name}", flush=True)


def run_api(settings: Settings) -> None:
    """Commands, queries and pages over HTTP."""
    import gc

    from events.log.tail import LogTail
    from processors.vault.sweeping import Sweeper
    from runtime.app import build_app
    from runtime.erasure import before_ready
    from runtime.serving.limits import limits_of
    from runtime.serving.server import Server

    start_logging(settings)
    keep_to(settings.core)
    with exporting(settings, "api"), open_core(settings, connections=48) as core:
        before_ready(core)
        sweeping = threading.Event()
        sweeper = Sweeper(core.pool, core.objects)
        threading.Thread(target=sweeper.run, args=(sweeping,), name="sweeper", daemon=True).start()
        tail = LogTail(core.url)
        app = build_app(core, tail)
        server = Server(
            app,
            limits_of(settings),
            app.state.close,
            host=settings.host,
            port=settings.port,
            # `kit.door` finds out who sends a request: it believes only the settings' proxies.
            proxy_headers=False,
        )
        # These objects stay: looking through them again and again took 14 % of the time.
        gc.collect()
        gc.freeze()
        try:
            server.run()
        finally:
            sweeping.set()
            tail.close()


def run_relay(settings: Settings) -> None:
    """From the store to Kafka."""
    from processors.relay import Relay
    from runtime.composition import kafka_config, record_proofs
    from runtime.engines.kafka_users import KafkaUser

    start_logging(settings)
    with exporting(settings, "relay"), open_core(settings, acting="relay", connections=4) as core:
        relay = Relay(
            core.url, core.pool, kafka_config(settings, KafkaUser.RELAY), record_proofs(core)
        )

        def report() -> tuple[str, int | None, str | None]:
            lag = core.log.events.head() - core.progress.relayed()
            return "refusing" if relay.refused else "running", lag, relay.refused

        run_until_stopped({"relay": relay.run}, Heartbeat(settings, "relay"), report)


def run_worker(settings: Settings, member: str | None = None) -> None:
    """Read models, sagas, timers, and the probe of uploaded files.

    `member` names this worker among those of the installation, for good: whoever is started under
    the name of a killed one takes its partitions over at once.
    """
    from processors.effects.caps import Caps
    from processors.effects.runner import EffectRunner
    from processors.sagas.dispatcher import Dispatcher
    from processors.sagas.timers import Timers
    from processors.vault.sweeping import Sweeper
    from runtime.areas import AREAS, HANDLERS, SAGAS
    from runtime.checkpoints import checkpointer
    from runtime.composition import new_wakes, open_event_log
    from runtime.consumers import engine, working
    from runtime.erasure import before_ready

    start_logging(settings)
    with (
        exporting(settings, "worker"),
        open_core(settings, acting="worker") as core,
        open_event_log(core, member) as event_log,
        ExitStack() as stack,
    ):
        before_ready(core)
        wakes = new_wakes()
        consuming = engine(core, event_log, wakes)
        # The core is for all threads but those of effects: their children would inherit it.
        kept = partial(_kept_to, settings.core)
        work: dict[str, Work] = {"consumers": kept(consuming.run)}
        for number in range(DISPATCH_THREADS):
            dispatcher = Dispatcher(
                core.commands, SAGAS, HANDLERS, core.log, core.pool, core.codec, wakes.commands
            )
            work[f"dispatcher-{number}"] = kept(dispatcher.run)
        timers = Timers(SAGAS, core.log, core.pool, core.codec, wakes.commands, due=wakes.timers)
        work["timers"] = kept(timers.run)
        effects = [effect for area in AREAS for effect in area.work(working(core, stack))]
        caps = Caps(effects, RUNNERS)
        for number in range(RUNNERS):
            runner = EffectRunner(caps, core.commands, HANDLERS, core.pool, wakes.effects)
            work[f"runner-{number}"] = runner.run
        work["work-tail"] = wakes.tail(core.url, (effect.name for effect in effects)).run
        work["sweeper"] = Sweeper(core.pool, core.objects).run
        signing = checkpointer(core)
        work["checkpointer"] = signing.run
        # Each thread beside the consumers' may hold two: a transaction, and what it reads meanwhile
        # or renews its lease by. The report takes one.
        core.pool.resize(1, consuming.connections + 2 * (len(work) - 1) + 1)
        run_until_stopped(
            work,
            Heartbeat(settings, "worker"),
            lambda: _worker_report(core, consuming, signing.refused, timers.failing),
        )


def run_analysis(settings: Settings) -> None:
    """The analysis pool: as many tracks at once as `analysis_workers` says."""
    from processors.effects.caps import Caps
    from processors.effects.runner import EffectRunner
    from processors.wake import Wake, WorkTail
    from runtime.areas import HANDLERS, vault

    start_logging(settings)
    with (
        exporting(settings, "analysis"),
        open_core(settings, acting="worker", connections=2 + 2 * settings.analysis_workers) as core,
        ExitStack() as stack,
    ):
        effect, due = vault.analysing(core, stack), Wake()
        caps = Caps([effect], settings.analysis_workers)
        work: dict[str, Work] = {
            f"analyse-{number}": EffectRunner(caps, core.commands, HANDLERS, core.pool, due).run
            for number in range(settings.analysis_workers)
        }
        work["work-tail"] = WorkTail(core.url, {effect.name: due}).run
        run_until_stopped(
            work, Heartbeat(settings, "analysis"), lambda: ("running", _waiting(core), None)
        )


def _kept_to(core: int | None, run: Work) -> Work:
    def kept(stop: threading.Event) -> None:
        keep_to(core)
        run(stop)

    return kept


def _worker_report(
    core: Core, consuming: Engine, *problems: str | None
) -> tuple[str, int | None, str | None]:
    """The lag of the consumer that is furthest behind; what is stopped, fails or is parked, in
    words.
    """
    from processors.failing import how_many_fail

    if starting := consuming.starting():
        return "starting", None, "joining: " + ", ".join(starting)
    consumers = core.progress.all()
    stopped = [f"{c.name}: {c.stopped}" for c in consumers if c.stopped]
    parked = sum(c.parked for c in consumers)
    with core.pool.connection() as connection:
        failing = how_many_fail(connection)
    told = [*stopped, *filter(None, (*problems, core.progress.records_alarm()))]
    told += [f"{failing} commands or effects fail: see `./noculture work`"] if failing else []
    told += [f"{parked} streams parked"] if parked else []
    return "running", max((c.lag for c in consumers), default=0), "; ".join(told) or None


def _waiting(core: Core) -> int:
    """Recordings that wait to be measured."""
    with core.pool.connection() as connection:
        row = connection.execute("SELECT count(*) FROM effects WHERE effect = 'analyse'").fetchone()
    return int(row[0]) if row else 0
