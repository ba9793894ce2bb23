"""`secrets rotate`: what can be exchanged is, what cannot says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.tokens import Signer
from runtime.engines.kafka_users import KafkaUser
from runtime.engines.postgres import PASSWORDS
from runtime.secret_files import SecretFiles
from runtime.secret_rotation import SECRETS, CannotRotate, rotate_secret
from runtime.settings import Settings, load_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(tmp_path / "data")


def signer_of(secrets: SecretFiles) -> Signer:
    return Signer(secrets.signing_key, secrets.retired_signing_keys)


def test_an_old_signing_key_signs_nothing_more_but_its_codes_on_paper_are_known(
    settings: Settings,
):
    old = signer_of(settings.secrets)
    cursor, code = old.tag("cursor", "page 2"), old.tag("recovery-code", "K7QM")
    for _ in range(2):
        rotate_secret(settings, "signing_key")
    new = signer_of(settings.secrets)
    assert not new.fits("cursor", "page 2", cursor)
    assert code in new.tags_of_any_age("recovery-code", "K7QM")
    assert new.tags_of_any_age("recovery-code", "K7QM")[0] == new.tag("recovery-code", "K7QM")


@pytest.mark.parametrize("point", ["make_following", "retire", "replace"])
def test_an_exchange_of_the_signing_key_that_was_killed_is_finished(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, point: str
):
    class Killed(BaseException):
        pass

    old, real = settings.secrets.signing_key, getattr(SecretFiles, point)

    def dying(*arguments):
        real(*arguments)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(SecretFiles, point, dying)
        with pytest.raises(Killed):
            rotate_secret(settings, "signing_key")
    rotate_secret(settings, "signing_key")
    assert settings.secrets.signing_key != old
    assert settings.secrets.retired_signing_keys.count(old) == 1
    assert settings.secrets.following("signing_key") is None


def test_the_installation_key_cannot_be_exchanged_and_says_what_rests_on_it(settings: Settings):
    before = settings.secrets.installation_key
    with pytest.raises(CannotRotate, match="claims of addresses"):
        rotate_secret(settings, "installation_key")
    assert settings.secrets.installation_key == before


def test_an_unknown_name_is_refused_and_makes_no_file(settings: Settings):
    with pytest.raises(CannotRotate, match="secrets list"):
        rotate_secret(settings, "../evil")
    assert not (settings.data / "evil").exists()


def test_records_proven_with_an_earlier_key_are_believed_until_it_is_forgotten(settings: Settings):
    first = settings.secrets.record_mac_keys()
    for count in (2, 3):
        rotate_secret(settings, "record_mac_key")
        keys = settings.secrets.record_mac_keys()
        assert len(set(keys)) == count
        assert keys[-1] == first[0]
    settings.secrets.forget_retired("record_mac_key")
    assert settings.secrets.record_mac_keys() == keys[:1]


def test_every_secret_that_is_kept_is_named():
    of_users = {f"kafka_{user}_password" for user in KafkaUser}
    properties = {name for name, value in vars(SecretFiles).items() if isinstance(value, property)}
    kept = properties - {"retired_signing_keys", "log_key_changes"} | of_users
    kept |= {"master_key", "record_mac_key"}
    assert set(SECRETS) == kept
    assert set(PASSWORDS.values()) == {name for name in SECRETS if name.startswith("postgres_")}


def test_without_a_running_engine_the_next_start_takes_the_new_password(settings: Settings):
    before = settings.secrets.postgres_app_password
    rotate_secret(settings, "postgres_app_password")
    assert settings.secrets.postgres_app_password != before
    before = settings.secrets.kafka_password("relay")
    rotate_secret(settings, "kafka_relay_password")
    assert settings.secrets.kafka_password("relay") != before
    with pytest.raises(CannotRotate, match="start it first"):
        rotate_secret(settings, "postgres_admin_password")


def test_passwords_of_engines_of_ones_own_are_changed_there(tmp_path: Path):
    own = load_settings(
        tmp_path,
        database_url="postgresql://own/db",
        app_database_url="postgresql://own/db",
        kafka_bootstrap="own:9092",
    )
    for name in ("postgres_app_password", "kafka_relay_password"):
        with pytest.raises(CannotRotate, match="your own"):
            rotate_secret(own, name)
