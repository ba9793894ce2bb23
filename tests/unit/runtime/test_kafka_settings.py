"""Which user of Kafka a process is, and what `doctor` and `status --secrets` say of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runtime.checks import is_loopback, kafka_protection
from runtime.composition import kafka_config
from runtime.engines.kafka_users import KafkaUser
from runtime.settings import ENGINES_FILE, Settings, load_settings
from runtime.state import RunState
from runtime.status import describe_secrets


@pytest.fixture
def embedded(tmp_path: Path) -> Settings:
    """Beside a broker of ours that is running."""
    run = tmp_path / "run"
    run.mkdir()
    (run / ENGINES_FILE).write_text(json.dumps({"kafka_bootstrap": "127.0.0.1:2"}))
    return load_settings(tmp_path)


def state(data: Path, event_log: str) -> None:
    RunState(1, "0", str(data), "http://127.0.0.1:1", event_log).write(data / "run")


@pytest.mark.parametrize("user", KafkaUser)
def test_a_process_reads_its_own_password_only(embedded: Settings, user: KafkaUser):
    config = kafka_config(embedded, user)
    assert (config.security_protocol, config.username) == ("SASL_PLAINTEXT", user)
    [only] = embedded.secrets.folder.iterdir()
    assert only.name == f"kafka_{user}_password"
    assert config.password == only.read_text().strip()


def test_settings_of_a_cluster_of_ones_own_do_not_reach_the_embedded_one(
    embedded: Settings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("NOCULTURE_KAFKA_SECURITY_PROTOCOL", "SSL")
    monkeypatch.setenv("NOCULTURE_KAFKA_SASL_USERNAME", "theirs")
    config = kafka_config(load_settings(embedded.data), KafkaUser.RELAY)
    assert (config.security_protocol, config.username) == ("SASL_PLAINTEXT", "relay")


OWN = {
    "kafka_bootstrap": "kafka.example.org:9093",
    "kafka_security_protocol": "SASL_SSL",
    "kafka_sasl_mechanism": "SCRAM-SHA-512",
    "kafka_sasl_username": "one",
    "kafka_sasl_password": "secret of one",
}
DIVIDED = OWN | {
    "kafka_worker_username": "reader",
    "kafka_worker_password": "secret of reader",
    "kafka_auditor_username": "looker",
    "kafka_auditor_password": "secret of looker",
}


@pytest.mark.parametrize(
    ("given", "user", "name"),
    [
        *((OWN, user, "one") for user in KafkaUser),
        (DIVIDED, KafkaUser.RELAY, "one"),
        (DIVIDED, KafkaUser.ADMIN, "one"),
        (DIVIDED, KafkaUser.WORKER, "reader"),
        (DIVIDED, KafkaUser.AUDITOR, "looker"),
    ],
)
def test_at_a_cluster_of_ones_own_one_user_does_or_each_has_its_own(
    tmp_path: Path, given: dict[str, Any], user: KafkaUser, name: str
):
    client = kafka_config(load_settings(tmp_path, **given), user).client()
    assert client["security_protocol"] == "SASL_SSL"
    assert client["sasl_plain_username"] == name
    assert client["sasl_plain_password"] == f"secret of {name}"
    assert not (tmp_path / "secrets").exists()


def test_a_cluster_may_be_shown_a_certificate(tmp_path: Path):
    settings = load_settings(
        tmp_path,
        kafka_bootstrap="kafka.example.org:9093",
        kafka_security_protocol="SSL",
        kafka_ssl_cafile="ca.pem",
        kafka_ssl_certfile="ours.pem",
        kafka_ssl_keyfile="ours.key",
    )
    client = kafka_config(settings, KafkaUser.RELAY).client()
    names = ("ssl_cafile", "ssl_certfile", "ssl_keyfile")
    assert [client[name] for name in names] == ["ca.pem", "ours.pem", "ours.key"]
    assert "sasl_plain_password" not in client


PASSWORD, ENCRYPTION = "Kafka password", "Kafka encryption"


@pytest.mark.parametrize(
    ("bootstrap", "protocol", "certificate", "missing"),
    [
        ("127.0.0.1:9092", "PLAINTEXT", "", []),
        ("localhost:9092, [::1]:9093", "PLAINTEXT", "", []),
        ("kafka:9092", "PLAINTEXT", "", [PASSWORD, ENCRYPTION]),
        ("127.0.0.1:9092,10.0.0.1:9092", "PLAINTEXT", "", [PASSWORD, ENCRYPTION]),
        ("kafka:9092", "SASL_PLAINTEXT", "", [ENCRYPTION]),
        ("kafka:9092", "SSL", "", [PASSWORD]),
        ("kafka:9092", "SSL", "ours.pem", []),
        ("kafka:9092", "SASL_SSL", "", []),
    ],
)
def test_a_broker_beyond_this_machine_without_password_or_encryption_is_named(
    tmp_path: Path, bootstrap: str, protocol: str, certificate: str, missing: list[str]
):
    settings = load_settings(
        tmp_path,
        kafka_bootstrap=bootstrap,
        kafka_security_protocol=protocol,
        kafka_ssl_certfile=certificate,
    )
    found = list(kafka_protection(settings))
    assert [finding.name for finding in found] == missing
    assert all(finding.advice for finding in found)


@pytest.mark.parametrize(
    ("host", "answer"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("localhost.example.org", False),
        ("0.0.0.0", False),
        ("127.0.0.1.example.org", False),
        ("", False),
    ],
)
def test_loopback_is_told_from_what_only_looks_like_it(host: str, answer: bool):
    assert is_loopback(host) is answer


def test_secrets_name_a_user_who_may_read_all_topics(embedded: Settings):
    state(embedded.data, "kafka")
    assert describe_secrets(embedded.data)["kafka"] == {
        "bootstrap": "127.0.0.1:2",
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "username": "auditor",
        "password": embedded.secrets.kafka_password("auditor"),
    }


def test_without_kafka_there_are_no_secrets_of_kafka(embedded: Settings):
    state(embedded.data, "postgres")
    secrets = describe_secrets(embedded.data)
    assert secrets == {"owner_database_url": None, "kafka": None}
    assert not embedded.secrets.folder.exists()
