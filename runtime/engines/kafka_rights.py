"""Rights of each user of the embedded broker, and how the broker learns of users and rights."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass

from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
    UserScramCredentialUpsertion,
)
from kafka.errors import KafkaError

from events.log.kafka_checkpoints import CHECKPOINTS_TOPIC
from events.log.kafka_config import RELAY_TOPIC, KafkaConfig
from events.log.partitions import TOPIC_PREFIX
from runtime.engines.kafka_users import SASL_MECHANISM, KafkaUser, embedded_config
from runtime.secret_files import SecretFiles

# Kafka's least. More would only slow each connection down: the passwords are 256 random bits.
ITERATIONS = 4096
ANSWER_WITHIN_MS = 10_000
IN_FORCE_WITHIN_S = 10.0

_Op, _Type = ACLOperation, ResourceType
_LITERAL, _PREFIXED = ACLResourcePatternType.LITERAL, ACLResourcePatternType.PREFIXED
_EVERY_RIGHT = ACLFilter(
    None,
    None,
    ACLOperation.ANY,
    ACLPermissionType.ANY,
    ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY),
)


@dataclass(frozen=True, slots=True)
class Right:
    """Operations on the resources of a name, or of a prefix. READ and WRITE include DESCRIBE."""

    resource: ResourceType
    name: str
    operations: tuple[ACLOperation, ...]
    pattern: ACLResourcePatternType = _LITERAL
    permission: ACLPermissionType = ACLPermissionType.ALLOW


_PUBLISH = (_Op.READ, _Op.WRITE, _Op.CREATE, _Op.DELETE, _Op.DESCRIBE_CONFIGS)
RIGHTS: dict[KafkaUser, tuple[Right, ...]] = {
    # Makes the topics, fills them, and makes them anew after a restore. It ends transactions that
    # a coordinator forgot, which Kafka calls an action of the cluster.
    KafkaUser.RELAY: (
        Right(_Type.TOPIC, TOPIC_PREFIX, _PUBLISH, _PREFIXED),
        Right(_Type.TOPIC, RELAY_TOPIC, _PUBLISH),
        Right(_Type.TRANSACTIONAL_ID, RELAY_TOPIC, (_Op.WRITE,)),
        Right(_Type.CLUSTER, "kafka-cluster", (_Op.CLUSTER_ACTION,)),
    ),
    # Reads events in our groups and publishes the signed checkpoints.
    KafkaUser.WORKER: (
        Right(_Type.TOPIC, TOPIC_PREFIX, (_Op.READ,), _PREFIXED),
        Right(_Type.TOPIC, RELAY_TOPIC, (_Op.DESCRIBE,)),
        Right(_Type.TOPIC, CHECKPOINTS_TOPIC, (_Op.READ, _Op.WRITE, _Op.CREATE)),
        Right(_Type.GROUP, "noculture.", (_Op.READ,), _PREFIXED),
    ),
    # Reads and describes everything, in any group but ours: there it could take partitions away
    # from a worker.
    KafkaUser.AUDITOR: (
        Right(_Type.TOPIC, "*", (_Op.READ, _Op.DESCRIBE_CONFIGS)),
        Right(_Type.TRANSACTIONAL_ID, "*", (_Op.DESCRIBE,)),
        Right(_Type.CLUSTER, "kafka-cluster", (_Op.DESCRIBE, _Op.DESCRIBE_CONFIGS)),
        Right(_Type.GROUP, "*", (_Op.READ,)),
        Right(_Type.GROUP, "noculture", (_Op.READ,), _PREFIXED, ACLPermissionType.DENY),
    ),
}


def acls() -> set[ACL]:
    """Every right of every user, as Kafka writes them."""
    return {
        ACL(
            f"User:{user}",
            "*",
            operation,
            right.permission,
            ResourcePattern(right.resource, right.name, right.pattern),
        )
        for user, rights in RIGHTS.items()
        for right in rights
        for operation in right.operations
    }


def admit_users(secrets: SecretFiles, bootstrap: str) -> None:
    """Brings passwords and rights of a running broker to what they should be. Raises KafkaError."""
    users = [embedded_config(secrets, bootstrap, user) for user in RIGHTS]
    with closing(_client(embedded_config(secrets, bootstrap, KafkaUser.ADMIN))) as admin:
        _set_passwords(admin, users)
        _set_rights(admin)
    # The broker acknowledges a password a moment before it asks for it: a client tries again.
    for user in users:
        _client(user).close()


def _client(user: KafkaConfig) -> KafkaAdminClient:
    return KafkaAdminClient(**user.client(), bootstrap_timeout_ms=ANSWER_WITHIN_MS)


def _set_passwords(admin: KafkaAdminClient, users: Sequence[KafkaConfig]) -> None:
    results = admin.alter_user_scram_credentials(
        [
            UserScramCredentialUpsertion(
                user.username, SASL_MECHANISM, user.password, iterations=ITERATIONS
            )
            for user in users
        ]
    )
    if refused := {name: error for name, error in results.items() if error}:
        raise KafkaError(f"passwords were not taken: {refused}")


def _set_rights(admin: KafkaAdminClient) -> None:
    """Also takes away what an earlier release gave. Rights of others are none of our business."""
    wanted, present = acls(), _present(admin)
    missing = sorted(wanted - present, key=repr)
    if missing and (failed := admin.create_acls(missing)["failed"]):
        raise KafkaError(f"rights were not taken: {failed}")
    if surplus := sorted(present - wanted, key=repr):
        admin.delete_acls(surplus)
    if missing or surplus:
        _wait_until(lambda: _present(admin) == wanted)


def _present(admin: KafkaAdminClient) -> set[ACL]:
    found, _error = admin.describe_acls(_EVERY_RIGHT)
    ours = {f"User:{user}" for user in RIGHTS}
    return {right for right in found if right.principal in ours}


def _wait_until(in_force: Callable[[], bool]) -> None:
    deadline = time.monotonic() + IN_FORCE_WITHIN_S
    while not in_force():
        if time.monotonic() > deadline:
            raise KafkaError("rights are not in force")
        time.sleep(0.05)
