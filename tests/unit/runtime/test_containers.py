"""The production shape: images are pinned, variables are settings, processes exist."""

from __future__ import annotations

import os
import re
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourceType,
)

from runtime import parts
from runtime.engines.kafka import SECURITY
from runtime.engines.kafka_rights import acls
from runtime.installation import PREFIX, ROOT
from runtime.settings import Settings

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("migrations", "api", "relay", "worker", "analysis")
DOCKERFILE = (ROOT / "Dockerfile").read_text()
RESOURCES = {
    "--topic": ResourceType.TOPIC,
    "--group": ResourceType.GROUP,
    "--transactional-id": ResourceType.TRANSACTIONAL_ID,
    "--cluster": ResourceType.CLUSTER,
}
EXACT_TAG = re.compile(r"^[\w./-]+:v?\d+\.\d+[\w.-]*$|@sha256:[0-9a-f]{64}$")


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_pinned_to_an_exact_version(name: str) -> None:
    assert EXACT_TAG.search(SERVICES[name]["image"])


def test_every_base_image_is_pinned_to_an_exact_version() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert bases
    assert all(EXACT_TAG.search(base) for base in bases)


@pytest.mark.parametrize("name", OURS)
def test_every_variable_of_ours_is_a_real_setting(name: str) -> None:
    variables = {v for v in SERVICES[name]["environment"] if v.startswith(PREFIX)}
    assert {v.removeprefix(PREFIX).lower() for v in variables} <= Settings.model_fields.keys()


def test_each_part_is_given_its_own_role_of_the_database_and_no_other() -> None:
    given = {
        name: {
            variable.removeprefix(PREFIX).removesuffix("DATABASE_URL")
            for variable in SERVICES[name]["environment"]
            if variable.endswith("DATABASE_URL")
        }
        for name in OURS
    }
    assert given.pop("migrations") == {"", "APP_", "WORKER_", "RELAY_"}
    assert given == {
        "api": {"APP_"},
        "relay": {"RELAY_"},
        "worker": {"WORKER_"},
        "analysis": {"WORKER_"},
    }


def test_the_variables_of_the_image_are_real_settings() -> None:
    variables = re.findall(rf"{PREFIX}(\w+)=", DOCKERFILE)
    assert variables
    assert {v.lower() for v in variables} <= Settings.model_fields.keys()


@pytest.mark.parametrize("name", OURS)
def test_the_values_are_accepted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in SERVICES[name]["environment"].items():
        monkeypatch.setenv(variable, re.sub(r"\$\{\w+(?::-([^}]*)|:\?[^}]*)?\}", r"\1", str(value)))
    settings = Settings()
    assert settings.event_log == "kafka"
    assert settings.kafka_bootstrap == "kafka:9092"
    assert settings.object_store_url == "s3://noculture"


@pytest.mark.parametrize("name", OURS)
def test_every_process_is_a_part_that_exists(name: str) -> None:
    verb, part = SERVICES[name]["command"]
    assert (verb, part) == ("run", name)
    assert callable(getattr(parts, f"run_{name}"))


def test_no_password_is_written_down() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for line in text.splitlines():
        if re.search(r"PASSWORD|SECRET_KEY:", line) and ":" in line and "PASSWORD=" not in line:
            named = r"\$\{?\$?\w+|:'\w+'"
            assert re.search(named, line) or "psql" in line, line


def test_parts_may_be_scaled_by_count() -> None:
    for name in ("relay", "worker", "analysis"):
        assert "container_name" not in SERVICES[name]
        assert "ports" not in SERVICES[name]


def test_the_image_does_not_run_as_root() -> None:
    assert re.search(r"^USER (?!root)", DOCKERFILE, re.MULTILINE)


def test_the_controller_of_the_broker_listens_inside_of_its_container_only() -> None:
    kafka = SERVICES["kafka"]["environment"]
    assert "CONTROLLER://127.0.0.1:9093" in kafka["KAFKA_LISTENERS"]
    assert "ports" not in SERVICES["kafka"]


def test_every_listener_of_the_broker_asks_for_a_password() -> None:
    kafka = SERVICES["kafka"]["environment"]
    listeners = [each.partition("://")[0] for each in kafka["KAFKA_LISTENERS"].split(",")]
    protocols = dict(
        each.split(":") for each in kafka["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(",")
    )
    assert {name: protocols[name] for name in listeners} == dict.fromkeys(
        ["CLIENTS", "CONTROLLER"], "SASL_PLAINTEXT"
    )


def test_the_broker_is_secured_as_the_embedded_one_is() -> None:
    """Each line of the embedded broker's, in the spelling of the image."""
    kafka = SERVICES["kafka"]["environment"]
    for line in SECURITY.splitlines():
        name, _, value = line.partition("=")
        variable = "KAFKA_" + name.replace("-", "__").replace(".", "_").upper()
        if "{" not in value:
            assert kafka[variable] == value
        else:
            assert kafka[variable]


RECORDER = """#!/bin/sh
for each; do printf '%s\\n' "$each" >> {file}; [ -f "$each" ] && cat "$each" >> {file}; done
echo end-of-call >> {file}
"""


def kafka_users(tmp_path: Path) -> tuple[list[list[str]], list[list[str]]]:
    """What the script of `kafka-users` asks kafka-configs.sh and kafka-acls.sh for."""
    for name in ("configs", "acls"):
        program = tmp_path / f"kafka-{name}.sh"
        program.write_text(RECORDER.format(file=tmp_path / name))
        program.chmod(0o755)
    script = COMPOSE["configs"]["kafka_users"]["content"].replace("$$", "$")
    passwords = {
        variable: f"{variable} of this test" for variable in SERVICES["kafka-users"]["environment"]
    }
    subprocess.run(
        ["sh", "-c", script.replace("/opt/kafka/bin", str(tmp_path)).replace("/tmp/c", "./c")],
        env={"PATH": os.environ["PATH"], **passwords},
        check=True,
    )
    calls = [
        (tmp_path / name).read_text().split("end-of-call\n")[:-1] for name in ("configs", "acls")
    ]
    configs, acls = ([call.splitlines() for call in each] for each in calls)
    return configs, acls


def option(call: list[str], name: str, otherwise: str = "") -> str:
    return call[call.index(name) + 1] if name in call else otherwise


def test_the_users_of_the_broker_have_the_rights_of_the_embedded_one_s(tmp_path: Path) -> None:
    _, calls = kafka_users(tmp_path)
    given = set()
    for call in calls:
        allowed = "--allow-principal" in call
        kind = next(kind for kind in RESOURCES if kind in call)
        resource = ResourcePattern(
            RESOURCES[kind],
            "kafka-cluster" if kind == "--cluster" else option(call, kind),
            ACLResourcePatternType[option(call, "--resource-pattern-type", "literal").upper()],
        )
        given |= {
            ACL(
                option(call, "--allow-principal" if allowed else "--deny-principal"),
                "*",
                ACLOperation[re.sub("(?<=[a-z])(?=[A-Z])", "_", operation).upper()],
                ACLPermissionType.ALLOW if allowed else ACLPermissionType.DENY,
                resource,
            )
            for name, operation in pairwise(call)
            if name == "--operation"
        }
    assert given == acls()


def test_the_passwords_of_the_broker_are_in_no_arguments(tmp_path: Path) -> None:
    calls, _ = kafka_users(tmp_path)
    users = [option(call, "--entity-name") for call in calls]
    assert users == ["relay", "worker", "auditor"]
    for user, call in zip(users, calls, strict=True):
        password = f"KAFKA_{user.upper()}_PASSWORD of this test"
        assert call[-2:] == [
            "./credential",
            f"SCRAM-SHA-512=iterations=4096,password={password}",
        ]
    assert not (tmp_path / "credential").exists()


@pytest.mark.parametrize(("service", "user"), [("relay", "SASL"), ("worker", "WORKER")])
def test_each_process_knows_its_own_password_only(service: str, user: str) -> None:
    known = {
        name for name in SERVICES[service]["environment"] if re.search("KAFKA.*PASSWORD", name)
    }
    assert known == {f"{PREFIX}KAFKA_{user}_PASSWORD", f"{PREFIX}KAFKA_AUDITOR_PASSWORD"}
