"""The users of the embedded broker, and how each signs in."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from events.log.kafka_config import KafkaConfig
from runtime.installation import PREFIX
from runtime.secret_files import SecretFiles

SECURITY_PROTOCOL = "SASL_PLAINTEXT"
SASL_MECHANISM = "SCRAM-SHA-512"


class KafkaUser(StrEnum):
    """`kafka_rights.py` says what each may do; the admin may do everything."""

    ADMIN = "admin"
    RELAY = "relay"
    WORKER = "worker"
    AUDITOR = "auditor"


def embedded_config(
    secrets: SecretFiles, bootstrap: str, user: KafkaUser, **more: Any
) -> KafkaConfig:
    """`more` are other fields of KafkaConfig. The admin's password is in the broker's properties,
    from which it lets others in, so that this one sign-in is by PLAIN.
    """
    return KafkaConfig(
        bootstrap=bootstrap,
        security_protocol=SECURITY_PROTOCOL,
        sasl_mechanism="PLAIN" if user is KafkaUser.ADMIN else SASL_MECHANISM,
        username=user.value,
        password=secrets.kafka_password(user.value),
        **more,
    )


def as_environment(config: KafkaConfig) -> dict[str, str]:
    """Variables for the processes of an installation that has this broker as its own."""
    return {
        f"{PREFIX}KAFKA_BOOTSTRAP": config.bootstrap,
        f"{PREFIX}KAFKA_SECURITY_PROTOCOL": config.security_protocol,
        f"{PREFIX}KAFKA_SASL_MECHANISM": config.sasl_mechanism or "",
        f"{PREFIX}KAFKA_SASL_USERNAME": config.username or "",
        f"{PREFIX}KAFKA_SASL_PASSWORD": config.password or "",
    }
