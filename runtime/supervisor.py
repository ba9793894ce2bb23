"""Starts every part of an installation, watches them and stops them in order."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import FrameType

import psutil

from events.errors import NoCultureError
from runtime.doubles import HeldDouble, held_doubles, wait_for_connections
from runtime.engines.child import choose_free_port, end_processes, port_is_free
from runtime.engines.kafka import EmbeddedKafka
from runtime.engines.postgres import EmbeddedPostgres
from runtime.errors import PortTaken, StartFailed
from runtime.installation import PREFIX, make_data_folder, version
from runtime.rights import Roles
from runtime.settings import ENGINES_FILE, Settings
from runtime.state import (
    DoubleState,
    Failure,
    PartState,
    RunState,
    supervisor_lock,
    write_private,
)
from runtime.supervised import PART_STOP_PATIENCE_S, Migrations, OwnProcess, Part
from schemas.telling import safely, trace_of

TRIES_BEFORE_READY = 5
PORTS_TO_TRY = 100
LOG_CHECK_S = 60.0
# Somebody waits for a start: its three steps took 1.5 s in looks alone.
LOOK_S, STARTING_LOOK_S = 0.5, 0.05

Watcher = Callable[[RunState], None]


class Supervisor:
    """Runs one installation until it is told to stop.

    Must run in the main thread: children end with the thread that started them, and signals
    arrive there. `watch` is called with the state after every change.
    """

    def __init__(self, settings: Settings, *, port_is_chosen: bool, watch: Watcher) -> None:
        self._watch = watch
        self._lock = supervisor_lock(settings.run_dir)
        self._stopping = False
        self._written = ""
        self._published = ""
        self._logs_checked_at = time.monotonic()
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="prepare")
        self._settings = settings
        self._port_is_chosen = port_is_chosen
        self._postgres: EmbeddedPostgres | None = None
        self._kafka: EmbeddedKafka | None = None
        self._parts: list[Part] = []
        self._doubles: list[HeldDouble] = []
        self.state = RunState(
            pid=psutil.Process().pid,
            version=version(),
            data=str(settings.data),
            web=settings.web_url,
            event_log=settings.event_log,
        )

    def run(self) -> int:
        """Start, watch, stop. Returns the exit code; raises EngineBusy if another one runs."""
        make_data_folder(self._settings.data)
        self._lock.take()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)
        try:
            end_leftovers(RunState.read(self._settings.run_dir))
            self._choose_port()
            self._plan()
            self._loop()
        except NoCultureError as problem:
            code = getattr(problem, "exit_code", 1)
            self.state.error = Failure(problem.code, str(problem), code)
        except Exception as error:
            print(trace_of(error), file=sys.stderr, flush=True)
            self.state.error = Failure("start-failed", safely(error), 1)
        finally:
            self._stop_all()
        return self.state.error.exit_code if self.state.error else 0

    def _ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _choose_port(self) -> None:
        """The port that was asked for or nothing; the default one may move on to the next."""
        host, wanted = self._settings.host, self._settings.port
        if wanted == 0:
            port = choose_free_port()
        elif port_is_free(wanted, host):
            port = wanted
        elif self._port_is_chosen:
            raise PortTaken(host, wanted)
        else:
            after = range(wanted + 1, wanted + PORTS_TO_TRY)
            port = next((p for p in after if port_is_free(p, host)), None) or choose_free_port()
            self.state.notes.append(f"port {wanted} is taken, using {port}")
        self._settings = self._settings.model_copy(update={"port": port})
        self.state.web = self._settings.web_url

    def _plan(self) -> None:
        """The parts and what each needs; an external engine is simply not among them."""
        settings, with_kafka = self._settings, self._settings.event_log == "kafka"
        if not settings.database_url:
            log = settings.log_dir / "postgres.log"
            self._postgres = EmbeddedPostgres(settings.data / "postgres", log, settings.secrets)
            self._parts.append(Part("postgres", self._postgres))
        if with_kafka and not settings.kafka_bootstrap:
            log = settings.log_dir / "kafka.log"
            self._kafka = EmbeddedKafka(
                settings.data / "kafka", settings.shared_cache_dir, log, settings.secrets
            )
            # A broker once lived under torture while no client could connect for three minutes.
            self._parts.append(Part("kafka", self._kafka, answers=self._kafka.answers))
        database = ("postgres",) if self._postgres else ()
        broker = ("kafka",) if self._kafka else ()
        roles = Roles() if self._postgres else Roles.of(settings)
        migrations = Migrations(settings, self._owner_url, roles)
        self._parts.append(Part("migrations", migrations, database, once=True))
        self._add("api", (*database, "migrations"))
        if with_kafka:
            self._add("relay", (*database, *broker, "migrations"))
        self._add("worker", (*database, *broker, "migrations"))
        self._add("analysis", (*database, *broker, "migrations"))
        self.state.parts = [part.shown for part in self._parts]
        self._doubles = held_doubles(settings)
        self.state.doubles = [double.shown for double in self._doubles]

    def _owner_url(self) -> str:
        own = self._postgres.owner_url if self._postgres else ""
        return own or self._settings.database_url or self._settings.app_database_url

    def _add(self, name: str, needs: tuple[str, ...]) -> None:
        settings = self._settings
        environment = {
            f"{PREFIX}DATA": str(settings.data),
            f"{PREFIX}HOST": settings.host,
            f"{PREFIX}PORT": str(settings.port),
            f"{PREFIX}EVENT_LOG": settings.event_log,
        }
        self._parts.append(Part(name, OwnProcess(name, settings, environment), needs))

    def _loop(self) -> None:
        while not self._stopping:
            up = {part.name for part in self._parts if part.is_up}
            for part in self._parts:
                self._step(part, up)
            for double in self._doubles:
                double.step()
            self._note_engines()
            self.state.ready = self.state.ready or all(part.is_up for part in self._parts)
            self._publish()
            self._check_logs()
            look_s = STARTING_LOOK_S if self._something_starts() else LOOK_S
            wait_for_connections(self._doubles, look_s)

    def _something_starts(self) -> bool:
        return not self.state.ready or any(p.shown.state == "starting" for p in self._parts)

    def _step(self, part: Part, up: set[str]) -> None:
        """A start that cannot work is given up; what once worked is tried again for ever."""
        try:
            part.step(up, self._pool)
        except Exception as error:
            if not self.state.ready:
                raise
            part.plan_restart(safely(error))
        if not self.state.ready and part.failures >= TRIES_BEFORE_READY:
            raise StartFailed(part.name, part.shown.detail, part.runnable.log)

    def _note_engines(self) -> None:
        """Tell our processes (and the command line) where the embedded engines are."""
        addresses = {}
        self.state.database_url = None
        if self._postgres and self._postgres.child:
            addresses["app_database_url"] = self._postgres.app_url
            addresses["worker_database_url"] = self._postgres.worker_url
            addresses["relay_database_url"] = self._postgres.relay_url
            self.state.database_url = self._postgres.reader_url
        if self._kafka and self._kafka.child:
            addresses["kafka_bootstrap"] = self._kafka.bootstrap
        self.state.kafka_bootstrap = (
            addresses.get("kafka_bootstrap") or self._settings.kafka_bootstrap or None
        )
        # `up --event-log postgres` was said to us alone; the command line must read the same log.
        written = json.dumps(addresses | {"event_log": self._settings.event_log})
        if written != self._written:
            write_private(self._settings.run_dir / ENGINES_FILE, written)
            self._written = written

    def _publish(self) -> None:
        """Write the state and show it, if it changed."""
        now = repr(self.state)
        if now != self._published:
            self._published = now
            self.state.write(self._settings.run_dir)
            self._watch(self.state)

    def _check_logs(self) -> None:
        if time.monotonic() - self._logs_checked_at > LOG_CHECK_S:
            self._logs_checked_at = time.monotonic()
            for part in self._parts:
                part.cap_log()
            for double in self._doubles:
                double.cap_log()

    def _stop_all(self) -> None:
        """In reverse order, each with its own deadline."""
        for part in reversed(self._parts):
            if part.is_up or part.shown.pid or part.shown.state == "starting":
                part.shown.state = "stopping" if part.shown.state != "done" else "done"
                self._publish()
            part.stop()
            self._publish()
        # Last: a part that ends may still be sending a mail.
        for double in self._doubles:
            double.stop()
        self.state.ready = False
        self._publish()
        (self._settings.run_dir / ENGINES_FILE).unlink(missing_ok=True)
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._lock.release()


def end_leftovers(last: RunState | None) -> None:
    """End processes of ours that outlived a killed supervisor; pid and start time must fit."""
    left = []
    seen: list[PartState | DoubleState] = [*last.parts, *last.doubles] if last else []
    for each in seen:
        try:
            process = psutil.Process(each.pid) if each.pid else None
            if process and each.started and abs(process.create_time() - each.started) < 1:
                left.append(process)
        except psutil.Error:
            continue
    engines = [process for process in left if process.name() in ("postgres", "java")]
    end_processes(
        [process for process in left if process not in engines],
        signal.SIGTERM,
        PART_STOP_PATIENCE_S,
    )  # the engines end their own leftovers, each in its own way
