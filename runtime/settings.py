"""Every setting of an installation, each with what it means; `docs/settings.md` is made from it.

A value comes from, first wins: the command line, the environment (`NOCULTURE_…`), the file
`<data>/settings.env`, the addresses of the embedded engines that are running, the default.
"""

from __future__ import annotations

import json
import os
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from kit.site import Site, check_public_url, hosts, networks
from runtime.installation import DEFAULT_DATA, PREFIX, chosen_data
from runtime.secret_files import SecretFiles
from runtime.settings_engines import EngineSettings
from runtime.settings_serving import ServingSettings

ENGINES_FILE = "engines.json"
EMBEDDED = "embedded engine"
Role = Literal["app", "worker", "relay"]
# A role without a DSN of its own connects with the next one's.
DSNS = ("relay_database_url", "worker_database_url", "app_database_url", "database_url")


def role_of(part: str) -> Role:
    """Names the role that a part connects in; the analysis pool is a worker too."""
    roles: dict[str, Role] = {"api": "app", "relay": "relay"}
    return roles.get(part, "worker")


class Settings(ServingSettings, EngineSettings):
    """Settings of one installation; make it with `load_settings`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="ignore", frozen=True, env_ignore_empty=True
    )

    data: Path = Field(DEFAULT_DATA, description="Folder that holds everything of an installation.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="How much the parts write to their logs."
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="Lines for people, or JSON objects for a log collector."
    )
    otlp_endpoint: str = Field(
        "", description="OpenTelemetry collector (OTLP over HTTP) for traces; empty: none are made."
    )
    secrets_dir: Path | None = Field(
        None, description="Folder of the installation's secrets; empty: DATA/secrets."
    )
    erasure_register_dir: Path | None = Field(
        None,
        description="Folder of the erasure register, shared by all machines and never restored"
        " with the database; empty: DATA/erasures.",
    )
    cache_dir: Path | None = Field(
        None, description="Downloads shared by a user's installations; empty: the user's cache."
    )
    analysis_workers: int = Field(
        # All cores: they are nice, so pages come first.
        default_factory=lambda: max(1, min(8, os.cpu_count() or 2)),
        ge=1,
        le=64,
        description="Tracks measured at the same time on this machine.",
    )
    analysis_models: Literal["on", "off"] = Field(
        "on",
        description="Neural networks for genre, instruments and voices; off saves 0.4 GB for each"
        " track measured at the same time, and two thirds of the work.",
    )
    analyser: Literal["auto", "essentia"] = Field(
        "auto",
        description="Analyser that chooses the octave of the tempo; essentia (AGPL-3.0) is a little"
        " better, takes 2.3 s a track more, and 0.13 GB.",
    )
    models_dir: Path | None = Field(
        None, description="Folder of models that take the place of the bundled ones."
    )
    models_wanted: str = Field(
        "",
        description="Names of models, with commas between, whose absence every analysis shall say:"
        " wav2vec2-genre, lead-instrument, audiobox-aesthetics, clap.",
    )
    text_model_dir: Path | None = Field(
        None,
        description="Folder of all-MiniLM-L6-v2 in float32 for the questions of searches; needs the"
        " extra `semantic`. Empty: the bundled one in int8.",
    )
    core: int | None = Field(
        None,
        ge=0,
        description="Processor core that the Python of one process keeps to (Linux); empty: all of"
        " them, but `up` gives the API and the worker one each.",
    )
    max_upload_bytes: int = Field(2 * 1024**3, ge=1, description="Largest file that is accepted.")
    storage_plans: dict[str, Annotated[int, Field(ge=0)]] = Field(
        {"free": 10 * 10**9},
        description="Bytes that a workspace may keep, by the name of the plan, as JSON; 0: any.",
    )
    storage_plan: str = Field(
        "free", description="The plan of every workspace, one of `storage_plans`."
    )
    keep_replaced_hours: float = Field(
        24.0,
        ge=0,
        description="Hours during which `consumers rollback` can undo a rebuild.",
    )
    checkpoint_events: int = Field(
        1_000, ge=1, description="Events after which the log is signed anew."
    )
    checkpoint_after_s: float = Field(
        60.0, gt=0, description="Seconds after which an event is signed for, however few they are."
    )
    browser: str = Field(
        "", description="Chromium or Chrome for `test`; empty: the one that is found."
    )

    @model_validator(mode="after")
    def _plan_is_known(self) -> Self:
        if self.storage_plan not in self.storage_plans:
            raise ValueError(f"storage_plan {self.storage_plan!r} is none of storage_plans")
        return self

    @model_validator(mode="after")
    def _addresses_are_such(self) -> Self:
        if self.public_url:
            check_public_url(self.public_url)
        hosts(self.allowed_hosts)
        networks(self.trusted_proxies)
        return self

    @cached_property
    def site(self) -> Site:
        """Rules for the names and addresses in requests."""
        return Site(self.public_url, self.host, self.allowed_hosts, self.trusted_proxies)

    @property
    def session_life(self) -> timedelta:
        """How long a session lasts at most."""
        return timedelta(days=self.session_days)

    @property
    def operators_need_two_factors(self) -> bool:
        if self.operator_second_factor:
            return self.operator_second_factor == "required"
        return self.site.is_beyond_loopback

    @cached_property
    def secrets(self) -> SecretFiles:
        """The installation's secrets."""
        return SecretFiles(self.secrets_dir or self.data / "secrets")

    @property
    def has_own_database(self) -> bool:
        """Whether the database is one that the settings name, not the embedded one."""
        given = self.database_url or self.app_database_url
        return bool(given) and given != RunningEngines(type(self), self.data)().get(
            "app_database_url"
        )

    def of_part(self, role: Role) -> Self:
        """Settings for a process that connects in this role, without other roles' passwords."""
        return self.model_copy(update=dict.fromkeys(self.others_dsns(role), ""))

    def dsn(self, role: Role) -> str:
        """The DSN that a part connects with; empty when no database is known."""
        given: str = getattr(self, self._dsn_name(role))
        return given

    def others_dsns(self, role: Role) -> list[str]:
        """Names the settings with DSNs that a part in this role does not connect with."""
        own = self._dsn_name(role)
        return [name for name in DSNS if name != own and getattr(self, name)]

    def _dsn_name(self, role: Role) -> str:
        names = DSNS[DSNS.index(f"{role}_database_url") :]
        return next((name for name in names if getattr(self, name)), names[0])

    @property
    def erasure_dir(self) -> Path:
        """Where it is written down who was erased."""
        return self.erasure_register_dir or self.data / "erasures"

    @property
    def outbox_dir(self) -> Path:
        """Mails that the mail double has taken."""
        return self.data / "outbox"

    @property
    def test_mode(self) -> bool:
        """True while nothing outside is real: no mail leaves the machine."""
        return not self.mail_server

    @property
    def doubles_dir(self) -> Path:
        """Folders of doubles: what each remembers, and its port."""
        return self.data / "doubles"

    @property
    def run_dir(self) -> Path:
        """Addresses, heartbeats and the state of what runs now."""
        return self.data / "run"

    @property
    def log_dir(self) -> Path:
        return self.data / "logs"

    @property
    def web_url(self) -> str:
        """Where people find the pages."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{host}:{self.port}"

    @property
    def shared_cache_dir(self) -> Path:
        """Folder of downloads; removed at any time without harm."""
        if self.cache_dir:
            return self.cache_dir
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        return Path(base) / "noculture"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        data = chosen_data(init_settings().get("data"))
        settings_file = DotEnvSettingsSource(settings_cls, env_file=data / "settings.env")
        return init_settings, env_settings, settings_file, RunningEngines(settings_cls, data)


class RunningEngines(PydanticBaseSettingsSource):
    """Notes of the supervisor: the addresses of the embedded engines, and the log it chose."""

    def __init__(self, settings_cls: type[BaseSettings], data: Path) -> None:
        super().__init__(settings_cls)
        self._file = data / "run" / ENGINES_FILE

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return self().get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        try:
            addresses: dict[str, Any] = json.loads(self._file.read_text())
            return addresses
        except (OSError, ValueError):
            return {}


def load_settings(data: Path | str | None = None, **given: Any) -> Settings:
    """Settings of an installation; `given` (what is not None) comes from the command line."""
    chosen = {name: value for name, value in given.items() if value is not None}
    return Settings(data=chosen_data(data), **chosen)


def is_embedded(settings: Settings, name: str) -> bool:
    """True if this address (`kafka_bootstrap`, `database_url`) is that of an engine of ours."""
    return setting_sources(settings.data)[name] == EMBEDDED


def setting_sources(data: Path | str | None = None) -> dict[str, str]:
    """For each setting, where its value comes from; for `doctor`."""
    folder = chosen_data(data)
    file_values = DotEnvSettingsSource(
        Settings, env_file=folder / "settings.env", env_prefix=PREFIX
    )()
    running = RunningEngines(Settings, folder)()
    sources = {}
    for name in Settings.model_fields:
        if os.environ.get(f"{PREFIX}{name.upper()}"):
            sources[name] = "environment" if name != "data" else "--data or environment"
        elif name in file_values:
            sources[name] = "settings.env"
        elif name in running:
            sources[name] = EMBEDDED
        else:
            sources[name] = "default"
    return sources
