"""The embedded broker: Apache Kafka in KRaft mode, one process, loopback only."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from events.log.kafka_config import KafkaConfig
from runtime.engines.child import (
    end_processes,
    in_background,
    keep_or_choose_port,
    last_line,
    listens,
    processes_in,
    spawn,
    stop_child,
    wait_until_ready,
)
from runtime.engines.java import find_java
from runtime.engines.kafka_classes import ClassArchive
from runtime.engines.kafka_format import META, FormattedStorage
from runtime.engines.kafka_jars import LOCK_FILE, JarCache
from runtime.engines.kafka_users import KafkaUser, embedded_config
from runtime.errors import EngineFailed, KafkaUnavailable
from runtime.folder_lock import FolderLock
from runtime.secret_files import SecretFiles
from runtime.state import write_private

STOP_PATIENCE_S = 20
ADMITTED_WITHIN_S = 60.0
HOST = "127.0.0.1"
NODE_ID = 1
LOGGING_CONFIG = Path(__file__).with_name("kafka_log4j2.properties")

# Unlimited retention and no topics by accident: the log is for ever (DESIGN §5). One broker, so
# every replication factor is 1; few internal partitions make the first use of a group quick.
# After a kill the next start waits until the dead broker's session is over: 13 s with the default
# of 9 s, so it is 3 s here. A controller without followers need not write twice a second that it
# lives.
PROPERTIES = """\
process.roles=broker,controller
node.id={node_id}
listeners=CLIENTS://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=CLIENTS://{host}:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=CLIENTS
controller.quorum.voters={node_id}@{host}:{controller_port}
log.dirs={log_dirs}
auto.create.topics.enable=false
log.retention.ms=-1
log.retention.bytes=-1
offsets.retention.minutes=525600
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=5
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=5
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
message.max.bytes=2097152
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
metadata.max.idle.interval.ms=10000
"""

# Every listener asks for a password, or any user of the machine could write events. SCRAM users are
# part of the metadata, which a controller cannot read before it talks to itself: so the admin, as
# whom the broker speaks to itself, signs in by PLAIN.
SECURITY = """\
listener.security.protocol.map=CLIENTS:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.controller.sasl.enabled.mechanisms=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
sasl.mechanism.controller.protocol=PLAIN
listener.name.clients.plain.sasl.jaas.config={plain}
listener.name.clients.scram-sha-512.sasl.jaas.config={scram}
listener.name.controller.plain.sasl.jaas.config={plain}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=false
super.users=User:{admin}
"""
LOGIN_MODULES = "org.apache.kafka.common.security"

# The quick compiler only: ready after 2.5 s of CPU time instead of 4.7 s, and for transactions of
# 2,000 records the broker itself used less, too (0.4 s against 0.7 s per 40,000 records, 2 cores).
JVM_OPTIONS = [
    "-XX:TieredStopAtLevel=1",
    "-Xms96m",
    "-Xmx512m",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "-Djava.net.preferIPv4Stack=true",
]


class EmbeddedKafka:
    """One broker over one data folder. `start()` returns when it answers requests.

    Passwords live in `secrets` (default: the folder `secrets` beside the data). Raises
    KafkaUnavailable (exit code 4) without Java or jars, EngineBusy if the folder is in use.
    """

    def __init__(
        self,
        data_dir: Path,
        cache_dir: Path,
        log: Path | None = None,
        secrets: SecretFiles | None = None,
    ) -> None:
        self._dir = Path(data_dir).absolute()
        self.secrets = secrets or SecretFiles(self._dir.parent / "secrets")
        self._cache_dir = Path(cache_dir).absolute()
        self.log = log or self._dir / "kafka.log"
        self._lock = FolderLock(self._dir / "lock")
        self._class_path: list[Path] = []
        self._java: Path | None = None
        self.child: subprocess.Popen[bytes] | None = None
        self._classes: ClassArchive | None = None
        self._admitting: Future[None] | None = None
        self._was_ready = False
        self.port = 0

    @property
    def bootstrap(self) -> str:
        """`127.0.0.1:port`, for clients."""
        return f"{HOST}:{self.port}"

    def config(self, user: KafkaUser = KafkaUser.ADMIN, **more: Any) -> KafkaConfig:
        """How this user reaches it; `more` are other fields of KafkaConfig."""
        return embedded_config(self.secrets, self.bootstrap, user, **more)

    @property
    def pid(self) -> int | None:
        return self.child.pid if self.child else None

    def start(self) -> None:
        """Prepare, launch and wait until requests are answered."""
        self.prepare()
        self.launch()
        self.wait_ready()

    def prepare(self, said: Callable[[str], None] = lambda _text: None) -> None:
        """Everything that may take long at a first start: Java, jars, the formatted folder."""
        self._lock.take()
        self._dir.chmod(0o700)
        self._java = find_java()
        self._class_path = JarCache(self._cache_dir / "kafka-jars").class_path(said)
        if self._classes and not self._was_ready:
            self._classes.distrust()
        self._classes = ClassArchive(
            self._cache_dir / "kafka-classes", self._dir, self._java, self._class_path
        )
        end_processes(processes_in(self._dir, "java"), signal.SIGTERM, STOP_PATIENCE_S)
        self.port = keep_or_choose_port(self._dir / "port")
        self._write_properties(keep_or_choose_port(self._dir / "controller_port"))
        if not (self._dir / "log" / META).exists():
            said("formatting its storage")
            release = LOCK_FILE.read_bytes() + PROPERTIES.encode()
            storage = FormattedStorage(self._cache_dir / "kafka-storage", release, NODE_ID)
            storage.make(self._dir / "log", self._format)

    def launch(self) -> None:
        """Start the process; call it from a long-lived thread (see `child.spawn`)."""
        assert self._classes is not None
        self._admitting, self._was_ready = None, False
        options = [*JVM_OPTIONS, *self._classes.options()]
        environment = {**os.environ, "LOG_DIR": str(self.log.parent)}
        self.child = spawn(
            [*self._java_command(options), "kafka.Kafka", "server.properties"],
            cwd=self._dir,
            log=self.log,
            orphan_signal=signal.SIGTERM,
            env=environment,
        )

    def wait_ready(self) -> None:
        """Wait while the broker's log moves. Raises EngineFailed when it ends or stalls."""
        assert self.child is not None
        wait_until_ready(
            "Kafka", self.child, self.log, self.became_ready, lambda: (self.log.stat().st_size,)
        )

    def became_ready(self) -> bool:
        """True once its users can sign in. Asked again and again: it never waits for the broker
        for long. Raises EngineFailed when it answers and does not let them in.
        """
        if self._admitting is None:
            # A password is never told to another program that was quicker to take the port.
            if self.pid and listens(self.pid, self.port) and self.answers():
                self._admitting = in_background(self._admit_users)
            return False
        if not self._admitting.done():
            return False
        self._admitting.result()
        if self._classes and not self._was_ready:
            self._was_ready = True
            in_background(self._classes.make)
        return True

    def _admit_users(self) -> None:
        # Loads the client library, which processes that only look at an engine do without.
        from kafka.errors import KafkaError

        from runtime.engines.kafka_rights import admit_users

        deadline = time.monotonic() + ADMITTED_WITHIN_S
        while True:
            try:
                return admit_users(self.secrets, self.bootstrap)
            except KafkaError as error:
                if self._has_ended() or time.monotonic() > deadline:
                    why = f"its users cannot sign in ({error})"
                    raise EngineFailed("Kafka", why, self.log) from error
            time.sleep(0.5)

    def _has_ended(self) -> bool:
        return self.child is None or self.child.poll() is not None

    def answers(self) -> bool:
        """True if the broker answers an ApiVersions request."""
        try:
            with socket.create_connection((HOST, self.port), timeout=2) as connection:
                return _speaks_kafka(connection)
        except OSError:
            return False

    def stop(self) -> None:
        """Stop in order; afterwards the folder is free for another start."""
        if self._classes:
            self._classes.stop()
        if self.child:
            stop_child(self.child, signal.SIGTERM, STOP_PATIENCE_S)
            self.child = None
        self._lock.release()

    def detail(self) -> str | None:
        """The last line of its log."""
        return last_line(self.log)

    def _java_command(self, options: list[str]) -> list[str]:
        class_path = os.pathsep.join(str(jar) for jar in self._class_path)
        return [
            str(self._java),
            *options,
            f"-Dlog4j2.configurationFile={LOGGING_CONFIG.as_uri()}",
            "-cp",
            class_path,
        ]

    def _write_properties(self, controller_port: int) -> None:
        # A relative log folder: a comma or space in the path cannot be misread as a list.
        text = PROPERTIES.format(
            node_id=NODE_ID,
            host=HOST,
            port=self.port,
            controller_port=controller_port,
            log_dirs="log",
        )
        write_private(self._dir / "server.properties", text + self._security())

    def _security(self) -> str:
        admin, password = KafkaUser.ADMIN, self.secrets.kafka_password(KafkaUser.ADMIN)
        return SECURITY.format(
            admin=admin,
            scram=f"{LOGIN_MODULES}.scram.ScramLoginModule required;",
            plain=f"{LOGIN_MODULES}.plain.PlainLoginModule required"
            f' username="{admin}" password="{password}" user_{admin}="{password}";',
        )

    def _format(self, cluster_id: str) -> None:
        quick = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        storage_tool = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}"]
        done = subprocess.run(
            [*self._java_command(quick), *storage_tool, "-c", "server.properties"],
            cwd=self._dir,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise KafkaUnavailable(
                f"its storage cannot be formatted ({done.stderr.strip()[-300:]})"
            )


def _speaks_kafka(connection: socket.socket) -> bool:
    """Send ApiVersions (key 18, version 0) and look for our correlation id and no error."""
    correlation_id, client = 7, b"noculture"
    body = struct.pack(">hhih", 18, 0, correlation_id, len(client)) + client
    connection.sendall(struct.pack(">i", len(body)) + body)
    answer = b""
    while len(answer) < 10:
        received = connection.recv(1024)
        if not received:
            return False
        answer += received
    _size, answered_id, error = struct.unpack(">iih", answer[:10])
    return bool(answered_id == correlation_id and error == 0)
