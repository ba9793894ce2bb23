"""The production shape: images are pinned, variables are settings, processes exist."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from runtime import parts
from runtime.installation import PREFIX, ROOT
from runtime.settings import Settings

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("migrations", "api", "relay", "worker", "analysis")
DOCKERFILE = (ROOT / "Dockerfile").read_text()
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
