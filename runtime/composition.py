"""The composition root: every object of every part is made here, from the settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import urlsplit

from psycopg_pool import ConnectionPool
from pydantic import SecretStr

from commands.account.erasure_watch import ErasureWatch
from commands.closing import WorkspaceLocks
from commands.unit import Commands
from events.catalogue import load_all_events
from events.log.kafka import KafkaLog
from events.log.kafka_config import KafkaConfig
from events.log.port import EventLog
from events.log.postgres import StoreLog
from events.log.progress import LogProgress
from events.log.progress_tail import ProgressTail
from events.log.proving import RecordProofs
from events.log.tail import LogTail
from events.store.codec import EventCodec
from events.store.liveness import check_connection
from events.store.log import SESSION, PostgresLog
from events.store.subject_keys import PostgresSubjectKeys
from gateways.objects.folder import FolderObjectStore
from gateways.objects.guarded import GuardedObjectStore
from gateways.objects.s3 import S3ObjectStore
from gateways.ports.objects import ObjectStore
from processors.wake import COMMANDS, TIMERS, Wake, WorkTail
from runtime.domain_clock import clock_of
from runtime.engines.kafka_users import KafkaUser, embedded_config
from runtime.errors import NothingRunning
from runtime.settings import Settings, is_embedded

# One for /readyz, one for /metrics, one for an operator's page.
WATCHING, WATCHING_PATIENCE_S = 3, 2.0
# A pool's pauses between two tries to connect double for so long; then whoever needs a connection
# makes it try anew. Its own five minutes leave a pause as long as the outage was: after 12 s
# without a database, commands were refused for 19 s more.
RECONNECT_S = 4.0


@dataclass(frozen=True, slots=True)
class Core:
    """The base of every part: the store, commands on it, objects, and where the consumers are."""

    settings: Settings
    url: str
    pool: ConnectionPool
    log: PostgresLog
    codec: EventCodec
    commands: Commands
    objects: ObjectStore
    progress: LogProgress
    # Kept for those who only ask how things are: work may take all other connections.
    watching: ConnectionPool

    def watched(self) -> Core:
        """The same core, on the connections that are kept for watching it."""
        progress = LogProgress(self.watching, self.settings.event_log)
        return replace(self, pool=self.watching, progress=progress)


@contextmanager
def open_core(
    settings: Settings,
    *,
    acting: Literal["app", "worker", "relay"] = "app",
    connections: int = 16,
) -> Iterator[Core]:
    """The core of one process, closed at the end; `acting` says with whose rights in the database.
    Raises NothingRunning without a database, ClockWasAdvanced.
    """
    url = settings.dsn(acting)
    if not url:
        raise NothingRunning(settings.data)
    with ExitStack() as stack:
        pool = ConnectionPool(
            url,
            min_size=1,
            max_size=connections,
            timeout=10,
            reconnect_timeout=RECONNECT_S,
            kwargs={"autocommit": True, "options": SESSION},
            check=check_connection,
            open=True,
        )
        # A database that went first must not hold up our own end.
        stack.callback(pool.close, timeout=1.0)
        watching = ConnectionPool(
            url,
            min_size=0,
            max_size=WATCHING,
            timeout=WATCHING_PATIENCE_S,
            reconnect_timeout=RECONNECT_S,
            num_workers=1,
            kwargs={"autocommit": True, "options": SESSION},
            check=check_connection,
            open=True,
        )
        stack.callback(watching.close, timeout=1.0)
        log = PostgresLog(url, pool, clock_of(settings, pool))
        stack.callback(log.close)
        keys = PostgresSubjectKeys(pool, settings.secrets.master_keys)
        load_all_events()
        codec = EventCodec(keys)
        tail = ProgressTail(url)
        stack.callback(tail.close)
        commands = Commands(log, pool, codec, settings.secrets.installation_key)
        stack.callback(ErasureWatch(keys, commands).stop)
        yield Core(
            settings=settings,
            url=url,
            pool=pool,
            log=log,
            codec=codec,
            commands=commands,
            objects=GuardedObjectStore(object_store(settings), WorkspaceLocks(pool)),
            progress=LogProgress(pool, settings.event_log, tail),
            watching=watching,
        )


def object_store(settings: Settings) -> ObjectStore:
    """A folder beside the data, or the S3 bucket that the settings name."""
    if not settings.object_store_url:
        return FolderObjectStore(settings.data / "blobs")
    address = urlsplit(settings.object_store_url)
    return S3ObjectStore(
        bucket=address.netloc,
        prefix=address.path.strip("/"),
        staging=settings.data / "staging",
        endpoint=settings.object_store_endpoint,
        region=settings.object_store_region,
        access_key=settings.object_store_access_key,
        secret_key=settings.object_store_secret_key.get_secret_value(),
    )


def kafka_config(settings: Settings, user: KafkaUser, member: str | None = None) -> KafkaConfig:
    """How this user reaches the broker: with its own password at the embedded one, as the settings
    say at your own.
    """
    if is_embedded(settings, "kafka_bootstrap"):
        return embedded_config(settings.secrets, settings.kafka_bootstrap, user, member=member)
    username, password = _kafka_login(settings, user)
    return KafkaConfig(
        member=member,
        bootstrap=settings.kafka_bootstrap,
        security_protocol=settings.kafka_security_protocol,
        sasl_mechanism=settings.kafka_sasl_mechanism or None,
        username=username or None,
        password=password.get_secret_value() or None,
        ssl_cafile=settings.kafka_ssl_cafile or None,
        ssl_certfile=settings.kafka_ssl_certfile or None,
        ssl_keyfile=settings.kafka_ssl_keyfile or None,
    )


def _kafka_login(settings: Settings, user: KafkaUser) -> tuple[str, SecretStr]:
    """One user may do for all; workers and auditors may have their own."""
    match user:
        case KafkaUser.WORKER if settings.kafka_worker_username:
            return settings.kafka_worker_username, settings.kafka_worker_password
        case KafkaUser.AUDITOR if settings.kafka_auditor_username:
            return settings.kafka_auditor_username, settings.kafka_auditor_password
    return settings.kafka_sasl_username, settings.kafka_sasl_password


@contextmanager
def open_event_log(core: Core, member: str | None = None) -> Iterator[EventLog]:
    """Kafka, or the store itself: an explicit setting, never a silent fallback."""
    if core.settings.event_log == "kafka":
        yield KafkaLog(kafka_config(core.settings, KafkaUser.WORKER, member), record_proofs(core))
        return
    tail = LogTail(core.url)
    try:
        yield StoreLog(core.url, core.pool, tail)
    finally:
        tail.close()


def record_proofs(core: Core) -> RecordProofs:
    """Tells records of the relay from others, and makes its MACs; in relay, worker and command line
    only.
    """
    return RecordProofs(core.pool, core.settings.secrets.record_mac_keys)


@dataclass(frozen=True, slots=True)
class Wakes:
    """The wake-ups of the threads of one worker."""

    commands: Wake
    timers: Wake
    effects: Wake

    def tail(self, url: str, effects: Iterable[str]) -> WorkTail:
        """Sets them for what other processes have written; `effects` are those performed here."""
        performed = dict.fromkeys(effects, self.effects)
        return WorkTail(url, {COMMANDS: self.commands, TIMERS: self.timers, **performed})


def new_wakes() -> Wakes:
    return Wakes(Wake(), Wake(), Wake())
