"""The broker asks everybody for a password and lets each user do its own work only."""

from __future__ import annotations

import re
import socket
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import psutil
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ConfigResource,
    KafkaAdminClient,
    ResourcePattern,
    ResourceType,
    UserScramCredentialUpsertion,
)
from kafka.errors import (
    KafkaError,
)

from events.log.kafka_checkpoints import CHECKPOINTS_TOPIC, CheckpointTopic
from events.log.kafka_config import RELAY_TOPIC, KafkaConfig
from events.log.kafka_producer import TransactionalProducer
from events.log.kafka_topics import KafkaTopics
from events.log.kafka_transactions import abort_all, open_transactions
from events.log.partitions import topic_of
from runtime.engines.kafka import PROPERTIES, EmbeddedKafka
from runtime.engines.kafka_users import KafkaUser, embedded_config
from runtime.secret_files import SecretFiles
from runtime.settings import load_settings
from tests.holes import written
from tests.integration.kafka_bytes import (
    DESCRIBE_CONTROLLERS,
    HANDSHAKE_REFUSED,
    SIGN_IN_REFUSED,
    asked,
    plain,
    request,
    string,
)

CACHE = load_settings().shared_cache_dir
EVENTS = topic_of("asset")
SHORT: dict[str, Any] = {"bootstrap_timeout_ms": 1_000}
FOREIGN = "somebody-elses"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    """With one event topic, written to by the relay, and a topic and group of somebody else."""
    engine = EmbeddedKafka(tmp_path_factory.mktemp("broker") / "kafka", CACHE)
    engine.start()
    KafkaTopics(engine.config(KafkaUser.RELAY)).ensure(["asset"])
    publish(engine.config(KafkaUser.RELAY), b"true")
    with closing(client(engine.config())) as admin:
        admin.create_topics({FOREIGN: {"num_partitions": 1, "replication_factor": 1}})
        admin.wait_for_topics([FOREIGN])
    assert read(engine.config(KafkaUser.WORKER), EVENTS, "noculture.vault") == [b"true"]
    yield engine
    engine.stop()


def client(config: KafkaConfig) -> KafkaAdminClient:
    return KafkaAdminClient(**config.client(), **SHORT)


def publish(config: KafkaConfig, value: bytes, **more: Any) -> None:
    """As the relay does: in its transaction."""
    producer = TransactionalProducer(**config.producer() | more)
    try:
        producer.init_transactions()
        producer.begin_transaction()
        producer.send(EVENTS, value).get(timeout=10)
        producer.commit_transaction()
    finally:
        producer.abandon()


def send(config: KafkaConfig, topic: str) -> None:
    """Without a transaction; raises what the broker answered."""
    producer = KafkaProducer(
        **config.client(), **SHORT, acks="all", max_block_ms=4_000, metrics_enabled=False
    )
    try:
        producer.send(topic, b"forged", partition=0).get(timeout=5)
    finally:
        producer.close(timeout=0)


def read(config: KafkaConfig, topic: str, group: str | None = None) -> list[bytes]:
    """The first record. Raises StopIteration without one."""
    consumer = KafkaConsumer(
        topic,
        **config.client(),
        **SHORT,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        consumer_timeout_ms=4_000,
        isolation_level="read_committed",
    )
    try:
        return [next(consumer).value]
    finally:
        consumer.close(autocommit=False)


def everything(broker: EmbeddedKafka) -> list[bytes]:
    """Every record of the event topic, also of transactions that did not commit."""
    consumer = KafkaConsumer(
        **broker.config().client(),
        group_id=None,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        isolation_level="read_uncommitted",
    )
    content: list[bytes] = []
    with closing(consumer):
        partitions = [TopicPartition(EVENTS, n) for n in consumer.partitions_for_topic(EVENTS)]
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        while any(consumer.position(each) < ends[each] for each in partitions):
            for records in consumer.poll(timeout_ms=500).values():
                content += [record.value for record in records]
    return content


STRANGERS: dict[str, Callable[[KafkaConfig], KafkaConfig]] = {
    "an unknown user": lambda ours: replace(ours, username="mallory"),
    "a wrong password": lambda ours: replace(ours, password="0" * 64),
    "the password of another": lambda ours: replace(ours, username="worker"),
    "the admin by a wrong password": lambda ours: replace(
        ours, username="admin", sasl_mechanism="PLAIN"
    ),
    "the admin by SCRAM": lambda ours: replace(ours, username="admin"),
    "a user by PLAIN": lambda ours: replace(ours, sasl_mechanism="PLAIN"),
    "an empty password": lambda ours: replace(ours, password=""),
}


ATTACKS: dict[str, Callable[[KafkaConfig], object]] = {
    "list": lambda config: client(config).list_topics(),
    "delete": lambda config: client(config).delete_topics([EVENTS]),
    "write": lambda config: send(config, EVENTS),
    "read": lambda config: read(config, EVENTS),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_client_without_a_password_does_nothing(broker: EmbeddedKafka, attack: str):
    before = everything(broker)
    with pytest.raises(KafkaError):
        ATTACKS[attack](KafkaConfig(bootstrap=broker.bootstrap))
    assert everything(broker) == before


@pytest.mark.parametrize("stranger", STRANGERS)
def test_a_stranger_is_not_let_in(broker: EmbeddedKafka, stranger: str):
    config = STRANGERS[stranger](broker.config(KafkaUser.RELAY))
    told = broker.log.stat().st_size
    with pytest.raises(KafkaError):
        client(config)
    # The client library tries until its time is up and does not say why.
    assert b"Failed authentication" in broker.log.read_bytes()[told:]


def test_the_controller_listens_to_the_broker_only(broker: EmbeddedKafka):
    port = int((broker._dir / "controller_port").read_text())
    assert asked(port, DESCRIBE_CONTROLLERS) == [b""]
    [refused] = asked(port, request(17, 1, string("SCRAM-SHA-512")))
    assert int.from_bytes(refused[:2], "big") == HANDSHAKE_REFUSED
    for user in (KafkaUser.RELAY, KafkaUser.WORKER, KafkaUser.AUDITOR):
        _, answer = asked(port, *plain(user, broker.secrets.kafka_password(user)))
        assert int.from_bytes(answer[:2], "big") == SIGN_IN_REFUSED
    admin = plain("admin", broker.secrets.kafka_password("admin"))
    assert asked(port, *admin, DESCRIBE_CONTROLLERS)[2] != b""


REFUSALS = "authorization ?failed|not authorized|needs ALTER permission"


def denied(action: Callable[[], object]) -> bool:
    """True if the broker refuses; another error, which proves nothing, comes out."""
    try:
        answer = action()
    except KafkaError as error:
        if not re.search(REFUSALS, repr(error), re.IGNORECASE):
            raise
        return True
    return bool(re.search(REFUSALS, repr(answer), re.IGNORECASE))


RESOURCE = ResourcePattern(ResourceType.TOPIC, EVENTS)
FREE_FOR_ALL = ("User:*", "*", ACLOperation.ALL, ACLPermissionType.ALLOW, RESOURCE)
MADE = {"num_partitions": 1, "replication_factor": 1}
# On topics, rights and users: what none but the relay, and some none but the admin may do.
CHANGES: dict[str, Callable[[KafkaAdminClient], object]] = {
    "make a topic of events": lambda admin: admin.create_topics({topic_of("forged"): MADE}),
    "make another topic": lambda admin: admin.create_topics({"forged": MADE}),
    "delete a topic": lambda admin: admin.delete_topics([EVENTS]),
    "delete the relay's topic": lambda admin: admin.delete_topics([RELAY_TOPIC]),
    "delete somebody else's topic": lambda admin: admin.delete_topics([FOREIGN]),
    "delete records": lambda admin: admin.delete_records({TopicPartition(EVENTS, 0): 0}),
    "shorten the retention": lambda admin: admin.alter_configs(
        [ConfigResource("topic", EVENTS, {"retention.ms": "1"})], raise_on_unknown=False
    ),
    "change the broker": lambda admin: admin.alter_configs(
        [ConfigResource("broker", "1", {"log.cleaner.threads": "2"})], raise_on_unknown=False
    ),
    "add partitions": lambda admin: admin.create_partitions({EVENTS: 13}),
    "give rights": lambda admin: admin.create_acls([ACL(*FREE_FOR_ALL)]),
    "take rights": lambda admin: admin.delete_acls([ACLFilter(*FREE_FOR_ALL)]),
    "change a password": lambda admin: admin.alter_user_scram_credentials(
        [UserScramCredentialUpsertion("relay", "SCRAM-SHA-512", "known")]
    ),
    "delete a group": lambda admin: admin.delete_groups(["noculture.vault"]),
    "delete somebody else's group": lambda admin: admin.delete_groups([FOREIGN]),
}
RELAYS_OWN = {
    "make a topic of events",
    "delete a topic",
    "delete the relay's topic",
    "delete records",
}


@pytest.fixture(scope="module")
def signed_in(broker: EmbeddedKafka) -> Iterator[Callable[[KafkaUser], KafkaAdminClient]]:
    """One client a user: to sign in anew takes longer than to be refused."""
    with ExitStack() as stack:
        yield cache(lambda user: stack.enter_context(closing(client(broker.config(user)))))


@pytest.mark.parametrize("user", [KafkaUser.WORKER, KafkaUser.AUDITOR])
@pytest.mark.parametrize("change", CHANGES)
def test_readers_change_nothing(
    signed_in: Callable[[KafkaUser], KafkaAdminClient], user: KafkaUser, change: str
):
    assert denied(lambda: CHANGES[change](signed_in(user)))


@pytest.mark.parametrize("change", sorted(CHANGES.keys() - RELAYS_OWN))
def test_the_relay_changes_nothing_but_its_topics(
    signed_in: Callable[[KafkaUser], KafkaAdminClient], change: str
):
    assert denied(lambda: CHANGES[change](signed_in(KafkaUser.RELAY)))


@pytest.mark.parametrize("user", [KafkaUser.WORKER, KafkaUser.AUDITOR])
@pytest.mark.parametrize("topic", [EVENTS, RELAY_TOPIC, FOREIGN])
def test_only_the_relay_writes_events(broker: EmbeddedKafka, user: KafkaUser, topic: str):
    before = everything(broker)
    assert denied(lambda: send(broker.config(user), topic))
    assert denied(lambda: publish(broker.config(user), b"forged"))
    assert denied(lambda: publish(broker.config(user), b"forged", transactional_id="mine"))
    assert everything(broker) == before


def test_the_relay_writes_its_own_topics_only(broker: EmbeddedKafka):
    config = broker.config(KafkaUser.RELAY)
    for topic in (FOREIGN, CHECKPOINTS_TOPIC, "__consumer_offsets"):
        assert denied(lambda topic=topic: send(config, topic))
    before = everything(broker)
    publish(config, b"true")
    assert everything(broker) == [*before, b"true"]


def test_the_relay_can_end_what_a_coordinator_forgot(broker: EmbeddedKafka):
    """Seen and ended with its own rights: a right of the cluster is among them."""
    config = broker.config(KafkaUser.RELAY)
    assert open_transactions(config, [EVENTS, RELAY_TOPIC]) == frozenset()
    producer = TransactionalProducer(**config.producer())
    producer.init_transactions()
    producer.begin_transaction()
    producer.send(EVENTS, b"forgotten").get(timeout=10)
    [hanging] = open_transactions(config, [EVENTS])
    producer.abandon()
    assert hanging.topic == EVENTS
    assert abort_all(config, [EVENTS]) == 1
    assert open_transactions(config, [EVENTS]) == frozenset()


def test_the_worker_reads_in_our_groups_only_and_publishes_checkpoints(broker: EmbeddedKafka):
    config = broker.config(KafkaUser.WORKER)
    assert read(config, EVENTS, "noculture.vault") == [b"true"]
    assert denied(lambda: read(config, EVENTS, FOREIGN))
    with pytest.raises(StopIteration):
        read(config, FOREIGN)
    checkpoints = CheckpointTopic(config)
    assert checkpoints.last(lambda value: True) is None
    checkpoints.publish([{"log_id": "log", "size": 1}])
    assert checkpoints.last(lambda value: True) == {"log_id": "log", "size": 1}


def test_the_auditor_reads_all_topics_in_any_group_but_ours(broker: EmbeddedKafka):
    config = broker.config(KafkaUser.AUDITOR)
    assert read(config, EVENTS) == [b"true"]
    assert read(config, EVENTS, "an-auditors-group") == [b"true"]
    for group in ("noculture.vault", "noculture"):
        assert denied(lambda group=group: read(config, EVENTS, group))
    with closing(client(config)) as admin:
        assert {EVENTS, RELAY_TOPIC, FOREIGN} <= set(admin.list_topics())
        [described] = admin.describe_configs([ConfigResource("topic", EVENTS)])["topic"].values()
        assert described
    assert KafkaTopics(config).events() == [EVENTS]
    assert open_transactions(config, [EVENTS]) == frozenset()


def test_a_reader_waits_for_the_relay_to_make_its_topics(broker: EmbeddedKafka):
    late = topic_of("late")
    with closing(client(broker.config())) as admin:
        assert late not in admin.list_topics()
    worker = KafkaTopics(broker.config(KafkaUser.WORKER))
    made: list[dict[str, str]] = []
    waiting = threading.Thread(target=lambda: made.append(worker.made(["late"])))
    waiting.start()
    KafkaTopics(broker.config(KafkaUser.RELAY)).ensure(["late"])
    waiting.join(15)
    assert late in made[0]


def passwords(broker: EmbeddedKafka) -> list[str]:
    return [broker.secrets.kafka_password(user) for user in KafkaUser]


def holds_any(path: Path, passwords: list[str]) -> bool:
    content = written(path)
    return any(password.encode() in content for password in passwords)


def test_passwords_are_read_by_nobody_else_on_the_machine(broker: EmbeddedKafka):
    secret = passwords(broker)
    assert len(set(secret)) == 4
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        assert not any(password in line for password in secret)
    assert broker.pid
    environment = psutil.Process(broker.pid).environ()
    assert not any(password in value for password in secret for value in environment.values())
    for folder in (broker._dir, broker.secrets.folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    holding = [
        path for path in broker._dir.parent.rglob("*") if path.is_file() and holds_any(path, secret)
    ]
    assert {path.name for path in holding} == {
        "server.properties",
        *(f"kafka_{user}_password" for user in KafkaUser),
    }
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in holding)


def test_no_password_is_in_the_caches_that_installations_share(broker: EmbeddedKafka):
    secret = [password.encode() for password in passwords(broker)]
    for folder in ("kafka-storage", "kafka-classes"):
        for path in (CACHE / folder).glob("*"):
            content = path.read_bytes()
            assert not any(password in content for password in secret)


def test_a_client_says_no_password_when_it_tells_its_settings(broker: EmbeddedKafka):
    config = broker.config(KafkaUser.RELAY)
    for shown in (repr(config), repr(config.client()), repr(config.producer())):
        assert config.username in shown or "KafkaConfig" in shown
        assert (config.password or "") not in shown


def test_a_changed_password_and_a_changed_right_take_effect_at_the_next_start(
    broker: EmbeddedKafka,
):
    """The last of this broker: it has another password of the worker and a new right afterwards."""
    old = broker.config(KafkaUser.WORKER)
    with closing(client(broker.config())) as admin:
        foreign = ACL("User:bob", *FREE_FOR_ALL[1:])
        admin.create_acls([ACL("User:worker", *FREE_FOR_ALL[1:]), foreign])
    broker.stop()
    (broker.secrets.folder / "kafka_worker_password").unlink()
    broker.start()
    with pytest.raises(KafkaError):
        client(replace(old, bootstrap=broker.bootstrap))
    worker = broker.config(KafkaUser.WORKER)
    assert denied(lambda: send(worker, EVENTS))
    with closing(client(broker.config())) as admin:
        assert admin.describe_acls(ACLFilter(*foreign_filter(foreign)))[0] == [foreign]


def foreign_filter(right: ACL) -> tuple[Any, ...]:
    return (
        right.principal,
        right.host,
        right.operation,
        right.permission_type,
        right.resource_pattern,
    )


OLD_LISTENERS = """\
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
"""


class OlderKafka(EmbeddedKafka):
    """As it was before it asked for a password."""

    def _write_properties(self, controller_port: int) -> None:
        super()._write_properties(controller_port)
        file = self._dir / "server.properties"
        kept = [
            line
            for line in file.read_text().splitlines()
            if line.partition("=")[0] in {each.partition("=")[0] for each in PROPERTIES.split("\n")}
            and "listener" not in line
        ]
        listeners = OLD_LISTENERS.format(
            host="127.0.0.1", port=self.port, controller_port=controller_port
        )
        file.write_text("\n".join(kept) + "\n" + listeners)
        file.chmod(0o644)
        self._dir.chmod(0o755)

    def _admit_users(self) -> None:
        """It knew none."""

    def config(self, user: KafkaUser = KafkaUser.ADMIN, **more: Any) -> KafkaConfig:
        return KafkaConfig(bootstrap=self.bootstrap, **more)


def test_an_installation_from_before_goes_on_without_losing_a_record(tmp_path: Path):
    older = OlderKafka(tmp_path / "kafka", CACHE)
    older.start()
    KafkaTopics(older.config()).ensure(["asset"])
    publish(older.config(), b"true")
    older.stop()
    engine = EmbeddedKafka(tmp_path / "kafka", CACHE)
    engine.start()
    try:
        with pytest.raises(KafkaError):
            client(KafkaConfig(bootstrap=engine.bootstrap))
        publish(engine.config(KafkaUser.RELAY), b"true")
        assert read(engine.config(KafkaUser.WORKER), EVENTS, "noculture.vault") == [b"true"]
        assert everything(engine) == [b"true", b"true"]
        assert stat.S_IMODE((tmp_path / "kafka" / "server.properties").stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "kafka").stat().st_mode) == 0o700
    finally:
        engine.stop()


def test_a_program_that_took_the_port_is_told_no_password(tmp_path: Path):
    """It speaks Kafka well enough to look ready."""
    engine = EmbeddedKafka(tmp_path / "kafka", CACHE)
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        engine.port = squatter.getsockname()[1]
        engine.child = subprocess.Popen(["sleep", "30"])
        engine.answers = lambda: True  # type: ignore[method-assign]
        try:
            assert not engine.became_ready()
            squatter.settimeout(0.5)
            with pytest.raises(TimeoutError):
                squatter.accept()
        finally:
            engine.child.kill()
            engine.child.wait()


def test_embedded_users_sign_in_by_scram_and_the_admin_alone_by_plain(tmp_path: Path):
    secrets = SecretFiles(tmp_path / "secrets")
    mechanisms = {
        user: embedded_config(secrets, "127.0.0.1:1", user).sasl_mechanism for user in KafkaUser
    }
    assert mechanisms.pop(KafkaUser.ADMIN) == "PLAIN"
    assert set(mechanisms.values()) == {"SCRAM-SHA-512"}
