"""How Kafka is reached and how our clients behave there; DESIGN §5 says why each value is what it
is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from events.log.partitions import TOPIC_PREFIX

RELAY_TOPIC = "noculture.relay"
_OWN_PREFIX = TOPIC_PREFIX.partition(".")[0]


class _Unshown(str):
    """A password: the client library writes its settings into the log at level debug."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'…'"


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaConfig:
    """`prefix` replaces `noculture` in the names of topics, groups and transactions on a shared
    cluster.

    `member` names this worker for ever (`worker-1`): after a kill its next start takes its
    partitions over at once, where a nameless one waits until the dead one's session is over.
    """

    bootstrap: str
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ssl_cafile: str | None = None
    ssl_certfile: str | None = None
    ssl_keyfile: str | None = None
    replication_factor: int = 1
    prefix: str = _OWN_PREFIX
    member: str | None = None

    def named(self, name: str) -> str:
        """The physical name of `noculture.…`."""
        return self.prefix + name.removeprefix(_OWN_PREFIX)

    def logical(self, name: str) -> str:
        """The way back from `named`."""
        return _OWN_PREFIX + name.removeprefix(self.prefix)

    def client(self) -> dict[str, Any]:
        """Settings that producer, consumer and admin share."""
        settings: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap.split(","),
            "security_protocol": self.security_protocol,
            # A broker that restarts is back in seconds; the default backs off to half a minute.
            "reconnect_backoff_max_ms": 1_000,
        }
        if self.sasl_mechanism:
            settings |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": _Unshown(self.password or ""),
            }
        files = {
            "ssl_cafile": self.ssl_cafile,
            "ssl_certfile": self.ssl_certfile,
            "ssl_keyfile": self.ssl_keyfile,
        }
        return settings | {name: file for name, file in files.items() if file}

    def producer(self) -> dict[str, Any]:
        return self.client() | {
            "metrics_enabled": False,
            "allow_auto_create_topics": False,
            "transactional_id": self.named(RELAY_TOPIC),
            # 12 ms instead of 110-220 ms at the 99th percentile of a small transaction.
            "retry_backoff_ms": 5,
            "acks": "all",
            "batch_size": 128 * 1024,
            # Nothing waits for it: a transaction ends with a flush. At 0 a relay that catches up
            # sends four records at a time, which takes it an eighth more work.
            "linger_ms": 50,
            # What a killed relay left open hides later records no longer than this.
            "transaction_timeout_ms": 15_000,
            "delivery_timeout_ms": 8_000,
            "request_timeout_ms": 5_000,
            "max_block_ms": 10_000,
        }

    def consumer(self) -> dict[str, Any]:
        return self.client() | {
            "metrics_enabled": False,
            "allow_auto_create_topics": False,
            "isolation_level": "read_committed",
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            # A record ends the wait. Longer would save little: each heartbeat ends it too.
            "fetch_max_wait_ms": 2_000,
            "max_poll_records": 2_000,
            "metadata_max_age_ms": 30_000,
        }
