"""Settings: where a value comes from, and the one table that names them all."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from pydantic import ValidationError

from runtime.installation import make_data_folder
from runtime.secret_files import SecretFiles
from runtime.settings import load_settings, role_of, setting_sources
from runtime.settings_table import TARGET, settings_table
from runtime.supervised import without_others


def test_the_table_of_all_settings_is_current() -> None:
    assert TARGET.read_text() == settings_table(), "run: python -m runtime.settings_table"


def test_the_command_line_wins_over_environment_file_running_engine_and_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").mkdir()
    engines = {"database_url": "postgresql://embedded", "kafka_bootstrap": "embedded:1"}
    (tmp_path / "run" / "engines.json").write_text(json.dumps(engines))
    (tmp_path / "settings.env").write_text("NOCULTURE_KAFKA_BOOTSTRAP=file:2\nNOCULTURE_PORT=2\n")
    monkeypatch.setenv("NOCULTURE_PORT", "3")
    monkeypatch.setenv("NOCULTURE_HOST", "0.0.0.0")

    settings = load_settings(tmp_path, host="127.0.0.2")

    assert settings.host == "127.0.0.2"
    assert settings.port == 3
    assert settings.kafka_bootstrap == "file:2"
    assert settings.database_url == "postgresql://embedded"
    assert settings.event_log == "kafka"
    sources = setting_sources(tmp_path)
    assert sources["port"] == "environment"
    assert sources["kafka_bootstrap"] == "settings.env"
    assert sources["database_url"] == "embedded engine"
    assert sources["event_log"] == "default"


def test_a_wrong_value_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOCULTURE_EVENT_LOG", "carrier pigeon")
    with pytest.raises(ValidationError, match="event_log"):
        load_settings(tmp_path)


def test_secrets_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    first, second = SecretFiles(tmp_path / "secrets"), SecretFiles(tmp_path / "secrets")

    assert len(first.installation_key) == 32
    assert first.installation_key == second.installation_key
    assert len({first.installation_key, first.master_keys()[0], first.signing_key}) == 3
    for file in (tmp_path / "secrets").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


def test_another_installation_has_other_secrets(tmp_path: Path) -> None:
    assert SecretFiles(tmp_path / "a").master_keys() != SecretFiles(tmp_path / "b").master_keys()


def test_a_part_keeps_the_password_of_its_own_role_alone(tmp_path):
    dsns = {
        f"{role}database_url": f"postgresql://{role}:secret-of-{role}@h/d"
        for role in ("", "app_", "worker_", "relay_")
    }
    whole = load_settings(tmp_path, **dsns)
    for role in ("app", "worker", "relay"):
        part = whole.of_part(role)
        assert part.dsn(role) == whole.dsn(role)
        assert repr(part).count("secret-of-") == 1


@pytest.mark.parametrize("without", ["app_", "worker_", "relay_"])
def test_a_part_without_a_login_of_its_own_keeps_the_one_it_connects_with_alone(
    tmp_path: Path, without: str
) -> None:
    """A worker that connected as the application kept the relay's password beside."""
    dsns = {
        f"{role}database_url": f"postgresql://{role}:secret-of-{role}@h/d"
        for role in ("", "app_", "worker_", "relay_")
        if role != without
    }
    whole = load_settings(tmp_path, **dsns)
    environment = {f"NOCULTURE_{name.upper()}": dsn for name, dsn in dsns.items()}
    for name, role in {"api": "app", "relay": "relay", "worker": "worker"}.items():
        assert role_of(name) == role
        part = whole.of_part(role_of(name))
        assert part.dsn(role_of(name)) == whole.dsn(role_of(name))
        assert repr(part).count("secret-of-") == 1
        given = without_others({**environment, "PATH": "/bin"}, whole, name)
        assert sorted(given.values()) == ["/bin", whole.dsn(role_of(name))]


def test_a_part_with_one_login_for_all_keeps_that_one(tmp_path):
    one = load_settings(tmp_path, app_database_url="postgresql://all@h/d")
    assert {one.of_part(role).dsn(role) for role in ("app", "worker", "relay")} == {
        "postgresql://all@h/d"
    }
    owner = load_settings(tmp_path, database_url="postgresql://owner@h/d")
    assert owner.of_part("worker").dsn("worker") == "postgresql://owner@h/d"


def test_a_data_folder_that_somebody_made_is_closed_to_neighbours(tmp_path):
    """A neighbour read unreleased audio: only a folder that we made had mode 700."""
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    make_data_folder(data)
    assert data.stat().st_mode & 0o777 == 0o700
    assert data.exists()
